"""Comments and docstrings that a longer name has made too long, in lines that fit again."""

import ast
import textwrap
from pathlib import Path

WIDTH = 120


def docstring_lines(text: str) -> set[int]:
    """Return the numbers of the lines in docstrings, from 1."""
    found: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node
        ):
            first = node.body[0]
            found |= set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return found


def fitted(line: str, in_docstring: bool) -> list[str]:
    """Return a line of a docstring or a comment as lines that fit; any other as it is."""
    indent = line[: len(line) - len(line.lstrip())]
    is_comment = line.lstrip().startswith("# ")
    if len(line) <= WIDTH or not (is_comment or in_docstring):
        return [line]
    following = indent + ("# " if is_comment else "")
    return textwrap.wrap(
        line.strip(),
        WIDTH,
        initial_indent=indent,
        subsequent_indent=following,
        break_long_words=False,
        break_on_hyphens=False,
    )


def wrapped(text: str) -> str:
    """Return a file of Python whose comments and docstrings fit."""
    if all(len(line) <= WIDTH for line in text.split("\n")):
        return text
    inside = docstring_lines(text)
    return "\n".join(part for number, line in enumerate(text.split("\n"), 1) for part in fitted(line, number in inside))


def wrap_all(folder: Path) -> None:
    """Wrap all files of Python below a folder; none may be broken."""
    for path in folder.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        new = wrapped(text)
        compile(new, path, "exec")
        if new != text:
            path.write_text(new, encoding="utf-8", newline="")
