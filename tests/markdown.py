"""What pages of documentation say about rooms that may have been deleted is skipped, by one rule.

A block, a row of a table or a paragraph needs the rooms that it names as paths or modules, such as
``project/addons/teach`` or ``project.serve``, and those in a comment on the line before it:
``<!-- needs project/export -->``. A block after ``<!-- not run by tests: ... -->`` is for the reader alone.
"""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
# in project/ or tests/, or the folder that `make init` removes
ROOM = re.compile(r"\b(?:project|tests)[/.](addons[/.]\w+|addons|export|serve|packed_rnn)\b|\b(template)/")
NEEDS = re.compile(r"<!-- needs ([^>]*) -->\n(.*?)(?:\n\n|\Z)", re.DOTALL)
FENCED = re.compile(r"((?:^<!-- [^>]* -->\n)*)^```(\w*)\n(.*?)^```(?:\n```text\n(.*?)^```)?", re.MULTILINE | re.DOTALL)


def is_here(text: str) -> bool:
    """Return whether this tree has all rooms that `text` names."""
    found = [ROOT / "project" / room.replace(".", "/") if room else ROOT / own for room, own in ROOM.findall(text)]
    return all(folder.is_dir() for folder in found)


def blocks(page: Path, *languages: str) -> list[tuple[str, str, str]]:
    """Return language, content and printed output of the fenced blocks of a page that tests run."""
    found = FENCED.findall(page.read_text(encoding="utf-8"))
    return [
        (language, block, output)
        for comments, language, block, output in found
        if language in languages and "not run by tests" not in comments and is_here(f"{comments} {block}")
    ]


def prose(page: Path) -> str:
    """Return a page without the paragraphs, blocks and lines of rooms that are not here."""
    text = NEEDS.sub(lambda found: found[2] if is_here(found[1]) else "", page.read_text(encoding="utf-8"))
    return "\n".join(line for line in text.splitlines() if is_here(line))
