"""Pages of documentation without what they say about rooms that go, and without links to what is gone.

A unit is what stands between two empty lines: a paragraph, a list, a table, a block. A comment ``<!-- needs ... -->``
at its beginning decides about all of it. Otherwise a block goes if it names a room that goes, and of all else the rows,
lines and sentences that do; a heading goes with everything that stood below it.
"""

import itertools
import posixpath
import re
import textwrap
from collections.abc import Mapping

from template.rooms import NEEDS, Gone

WIDTH = 120
ITEM = re.compile(r"^(?:[-*]|\d+\.) ")
LINK = r"(?<!!)\[(?P<words>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^)\s]+)\)"
LINK_OR_CODE = re.compile(rf"(?P<code>^```.*?^```|^    [^\n]*$|`[^`]*`)|{LINK}", re.MULTILINE | re.DOTALL)
PICTURE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)|<img [^>]*src=\"([^\"]+)\"")


def parts(text: str) -> list[list[str]]:
    """Return the lines between empty ones, and each fenced block as a whole, with the comments before it."""
    found: list[list[str]] = [[]]
    fenced = False
    for line in text.splitlines():
        fenced ^= line.startswith("```")
        second = line.startswith("<!--") and found[-1][-1:] == ["```"]  # a block right after another
        if not fenced and (second or not line.strip()):
            found.append([])
        if fenced or line.strip():
            found[-1].append(line)
    return [part for part in found if part]


def units(text: str) -> list[list[str]]:
    """Return the lines of each unit; a fenced or indented block is one, empty lines included."""
    joined: list[list[str]] = []
    for part in parts(text):
        if joined and part[0].startswith("    ") and joined[-1][-1].startswith("    "):
            joined[-1] += ["", *part]
        else:
            joined.append(part)
    return joined


def sentences(text: str) -> list[str]:
    """Return the sentences of a paragraph, and parts between semicolons; none ends inside of code or parentheses."""
    parts, start = [], 0
    for found in re.finditer(r"(?<=[.;?!:]) +(?=\S)|(?<=\.\*\*) +", text):
        before = text[: found.start()]
        if before.count("`") % 2 == 0 and before.count("(") == before.count(")"):
            parts.append(text[start : found.start()])
            start = found.end()
    return [*parts, text[start:]]


def left_of(parts: list[str], gone: Gone) -> list[str]:
    """Return the sentences that do not name a room that goes; what a colon announces goes with it, and it with that."""
    left: list[str] = []
    cut = False
    for part in parts:
        if gone.names(part):
            while left and left[-1].endswith(":"):
                left.pop()
            if left and left[-1].endswith(";"):
                left[-1] = left[-1][:-1] + "."
            cut = True
        elif not (cut and not left):  # what follows a lost beginning goes with it
            left.append(part[0].upper() + part[1:] if cut and left[-1].endswith(".") else part)
            cut = False
    return left


def paragraph(lines: list[str], gone: Gone) -> list[str]:
    """Return a paragraph or an item of a list without the sentences that name a room that goes."""
    if not gone.names("\n".join(lines)):
        return lines
    bullet = ITEM.match(lines[0])
    indent = " " * len(bullet[0]) if bullet else ""
    left = left_of(sentences(" ".join(line.strip() for line in lines)), gone)
    if not left or (len(left) == 1 and left[0].endswith("**")):
        return []
    text = re.sub(r"[;:]$", ".", " ".join(left))
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def items(lines: list[str], gone: Gone) -> list[str]:
    """Return a list, or a paragraph with one below it, without what names a room that goes."""
    starts = [0, *(index for index, line in enumerate(lines) if index and ITEM.match(line)), len(lines)]
    parts = [lines[start:end] for start, end in itertools.pairwise(starts)]
    return [line for part in parts for line in paragraph(part, gone)]


def table(lines: list[str], gone: Gone) -> list[str]:
    """Return a table without the rows that name a room that goes; nothing if no row is left."""
    rows = [row for row in lines[2:] if not gone.names(row)]
    return [*lines[:2], *rows] if rows or len(lines) == 2 else []


def block(lines: list[str], gone: Gone) -> list[str]:
    """Return a fenced or indented block; of what a program prints only the lines that name a room go."""
    if lines[0].startswith("```text"):
        return [line for line in lines if not gone.names(line)]
    return [] if gone.names("\n".join(lines)) else lines


def unit(lines: list[str], gone: Gone) -> list[str]:
    """Return what is left of a unit."""
    needs = NEEDS.match(lines[0])
    if needs:
        return [] if gone.names(needs[1]) else lines
    start = next((index for index, line in enumerate(lines) if not line.startswith("<!--")), 0)
    first = lines[start]
    if first.startswith("#"):
        return lines
    part = block if first.startswith(("```", "    ")) else table if first.startswith("|") else items
    left = part(lines[start:], gone)
    return [*lines[:start], *left] if left else []


def level(lines: list[str]) -> int:
    """Return the level of a heading, 0 for anything else."""
    heading = re.match(r"#+ ", next((line for line in lines if not line.startswith("<!--")), ""))
    return len(heading[0]) - 1 if heading else 0


def is_left(lines: list[str], following: list[str] | None, lost: bool, left: list[list[str]]) -> bool:
    """Return whether a unit stays, given the one that followed, whether that is lost, and what is left after it.

    A heading goes with all that stood below it, and "...:" with its block.
    """
    depth = level(lines)
    if depth:
        had_something = following is not None and not 0 < level(following) <= depth
        has_something = bool(left) and not 0 < level(left[0]) <= depth
        return has_something or not had_something
    announced = bool(left) and left[0][-1].startswith(("```", "    ", "|", "- ", "  "))
    return bool(lines) and not (lines[-1].endswith(":") and lost and not announced)


def without_empty(before: list[list[str]], after: list[list[str]]) -> list[list[str]]:
    """Return the units that are left, without headings of nothing."""
    left: list[list[str]] = []
    for index in reversed(range(len(before))):
        following = before[index + 1] if index + 1 < len(before) else None
        lost = following is not None and not after[index + 1]
        if is_left(after[index], following, lost, left):
            left.insert(0, after[index])
    return [lines for lines in left if lines]


def page(text: str, gone: Gone) -> str:
    """Return a page without what it says about rooms that go."""
    before = units(text)
    left = without_empty(before, [unit(lines, gone) for lines in before])
    return "\n\n".join("\n".join(lines) for lines in left) + "\n"


def says_something(text: str) -> bool:
    """Return whether a page holds more than headings."""
    return any(not level(lines) for lines in units(text))


def anchors(text: str) -> set[str]:
    """Return the names that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", re.sub(r"\]\([^)]*\)", "", heading)).strip().lower().replace(" ", "-")
        for heading in headings
    }


def is_there(page: str, target: str, pages: Mapping[str, str], paths: set[str]) -> bool:
    """Return whether a link of a page leads somewhere; addresses of the web always do."""
    if re.match(r"[a-z]+:", target):
        return True
    name, _, anchor = target.partition("#")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), name)) if name else page
    if path in pages and anchor:
        return anchor in anchors(pages[path])
    return path in paths or any(each.startswith(f"{path}/") for each in paths)


def without_dead_links(name: str, pages: Mapping[str, str], paths: set[str]) -> str:
    """Return a page whose links to what is gone are plain words."""

    def link(found: re.Match[str]) -> str:
        return found[0] if found["code"] or is_there(name, found["target"], pages, paths) else found["words"]

    return LINK_OR_CODE.sub(link, pages[name])


def links(text: str) -> list[str]:
    """Return where the links of a page lead."""
    return [found["target"] for found in LINK_OR_CODE.finditer(text) if found["target"]]


def pictures(pages: Mapping[str, str]) -> set[str]:
    """Return the pictures that pages show."""
    found = set()
    for name, text in pages.items():
        for one, other in PICTURE.findall(text):
            found.add(posixpath.normpath(posixpath.join(posixpath.dirname(name), one or other)))
    return found
