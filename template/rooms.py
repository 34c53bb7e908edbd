"""Rooms that can be left out: add-ons by the name of their folder, `export` and `serve`, and what goes with each."""

import ast
import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from template.errors import RefusedError
from tests.markdown import ROOM

APPLICATIONS = ("export", "serve")
SELF = "template"  # this folder is a room too, which nobody keeps
NEEDS = re.compile(r"(?:<!--|#) needs ([^>\n]*?)(?: -->)?$", re.MULTILINE)
# in files other than pages: a comment of its own and the lines below it up to an empty one, or the end of a line
BLOCK = re.compile(r"^ *# needs ([^\n]*)\n(?:.+\n)+", re.MULTILINE)
LINE = re.compile(r"^.*\S.*# needs (.*)\n", re.MULTILINE)


@dataclass(frozen=True)
class Gone:
    """What is left out: rooms as `addons/teach`, and the commands, extras, pages and targets that go with them."""

    rooms: frozenset[str]
    commands: frozenset[str] = field(default_factory=frozenset)
    extras: frozenset[str] = field(default_factory=frozenset)
    pages: frozenset[str] = field(default_factory=frozenset)
    targets: frozenset[str] = field(default_factory=frozenset)

    def names(self, text: str) -> bool:
        """Return whether a text names a room that goes, by a path, a module or what goes with it."""
        if any(self.has(room) for room in rooms_named(text)):
            return True
        if re.search(r"\]\((?:docs/)?(?:log|results)\.md#", text):  # a heading of a page that begins anew
            return True
        if any(page in self.pages for page in re.findall(r"\]\((?:docs/)?(\w+\.md)", text)):
            return True
        if any(target in self.targets for target in re.findall(r"\bmake ([a-z-]+)", text)):
            return True
        if any(command in self.commands for command in re.findall(r"\bsentiment ([a-z0-9_]+)\b", text)):
            return True
        return any(extra in self.extras for extra in re.findall(r"EXTRAS=([a-z_]+)\b(?!,)", text))

    def has(self, room: str) -> bool:
        """Return whether a room goes; `addons` is there as long as one of them is."""
        return room in self.rooms or ("addons" in self.rooms and room.startswith("addons/"))


def rooms_named(text: str) -> list[str]:
    """Return the rooms that a text names, each as `addons/teach`, `serve`, `template`."""
    return [(room or own).replace(".", "/") for room, own in ROOM.findall(text)]


def rooms_of(paths: Iterable[str]) -> dict[str, str]:
    """Return the rooms of a tree by the short names of KEEP and DROP."""
    found = {}
    for path in paths:
        if match := re.fullmatch(r"project/(addons/(\w+)|export|serve)/__init__\.py", path):
            found[match[2] or match[1]] = match[1]
    return dict(sorted(found.items()))


def listed(variable: str, text: str, rooms: Mapping[str, str]) -> set[str]:
    """Return the rooms that a list names, with spaces or commas between them."""
    words = set(text.replace(",", " ").split())
    if variable == "KEEP" and words == {"none"}:
        return set()
    if unknown := sorted(words - rooms.keys()):
        raise RefusedError(f"{variable}={unknown[0]}: choose among {' '.join(rooms)}, or KEEP=none")
    return words


def left_out(keep: str | None, drop: str | None, rooms: Mapping[str, str]) -> set[str]:
    """Return the short names of the rooms that go; without KEEP and DROP none does."""
    if keep is not None and drop is not None:
        raise RefusedError("KEEP and DROP exclude each other: give one of them")
    found = listed("DROP", drop or "", rooms) if keep is None else set(rooms) - listed("KEEP", keep, rooms)
    if "export" in found and "serve" in rooms and "serve" not in found:
        raise RefusedError("serve needs export: keep both, or drop serve too")
    return found


def commands_of(source: str) -> set[str]:
    """Return the commands that a room's `__init__.py` registers."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "COMMANDS":
            return set(ast.literal_eval(node.value))
    return set()


def targets_of(makefile: str) -> set[str]:
    """Return the targets that a person calls."""
    return set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


def gone(short: set[str], files: Mapping[str, str]) -> Gone:
    """Return what is left out of a tree with the rooms of these short names."""
    rooms = rooms_of(files)
    found = {rooms[name] for name in short} | {SELF}
    if all(room in found for room in rooms.values() if room.startswith("addons/")):
        found.add("addons")
    commands = {word for name in short for word in commands_of(files[f"project/{rooms[name]}/__init__.py"])}
    without_pages = Gone(frozenset(found), frozenset(commands), frozenset(short))
    pages = {path.removeprefix("docs/") for path, text in files.items() if goes(path, text, without_pages)}
    makefile = files.get("Makefile", "")
    targets = targets_of(makefile) - targets_of(without_marked(makefile, without_pages))
    return replace(without_pages, pages=frozenset(pages), targets=frozenset(targets))


def goes(path: str, text: str, gone: Gone) -> bool:
    """Return whether a file belongs to a room that goes, by its place or by its first line."""
    folders = [f"{place}/{room}/" for room in gone.rooms - {SELF} for place in ("project", "tests")]
    if path.startswith((f"{SELF}/", f"tests/{SELF}/", *folders)):
        return True
    first = NEEDS.match(text)
    return bool(first and gone.names(first[1]))


def without_marked(text: str, gone: Gone) -> str:
    """Return a file without the blocks and lines that need a room that goes; a marker that stays is for later."""
    left = BLOCK.sub(lambda found: "" if gone.names(found[1]) else found[0], text)
    text = text if left == text else re.sub(r"\n{3,}", "\n\n", left).lstrip("\n")
    return LINE.sub(lambda found: "" if gone.names(found[1]) else found[0], text)


def makefile(text: str, gone: Gone) -> str:
    """Return the Makefile with the targets and the examples of EXTRAS that are left."""
    text = without_marked(text, gone)
    targets = targets_of(text)

    def phony(found: re.Match[str]) -> str:
        left = [word for word in found[1].replace("\\\n", " ").split() if word in targets]
        lines = textwrap.wrap(" ".join([".PHONY:", *left]), 118, subsequent_indent="\t", break_on_hyphens=False)
        return " \\\n".join(lines)

    return examples(re.sub(r"^\.PHONY:((?:.*\\\n)*.*)$", phony, text, flags=re.MULTILINE), gone)


def examples(text: str, gone: Gone) -> str:
    """Return a text whose examples of EXTRAS name extras that there are."""

    def left(found: re.Match[str]) -> str:
        extras = [extra for extra in found[1].split(",") if extra not in gone.extras]
        return f"EXTRAS={','.join(extras) or 'bench'}"

    return re.sub(r"EXTRAS=([a-z_]+(?:,[a-z_]+)*)", left, text)


def pyproject(text: str, gone: Gone) -> str:
    """Return pyproject.toml with version 0.1.0, without the extras of rooms that go and what is declared for them."""
    text = without_marked(text, gone)
    for extra in gone.extras:
        text = re.sub(rf"^{extra} = \[\n(?:    .*\n)*\]\n", "", text, flags=re.MULTILINE)

    def extras(found: re.Match[str]) -> str:
        left = [extra for extra in found[2].split(",") if extra not in gone.extras]
        return found[1] + f'"project[{",".join(left)}]"' + found[3] if left else ""

    text = re.sub(r'^(    )"project\[([a-z_,]+)\]"(.*\n)', extras, text, flags=re.MULTILINE)
    text = re.sub(r'^"project\..*\n', lambda found: "" if gone.names(found[0]) else found[0], text, flags=re.MULTILINE)
    text = text.replace(f', "{SELF}"', "").replace(f'"{SELF}", ', "")
    text = re.sub(r"^\[tool\.setuptools\.package-data\]\n\n", "", text, flags=re.MULTILINE)
    return re.sub(r'^version = ".*"', 'version = "0.1.0"', text, count=1, flags=re.MULTILINE)
