"""The files of the template -> those of the user's repository, as a function of texts."""

import ast
import datetime
import posixpath
import re
import tomllib
from collections.abc import Mapping

from template import pages
from template.errors import RefusedError
from template.locks import locks
from template.names import Names
from template.rename import renamed, renamed_path
from template.rooms import Gone, examples, goes, makefile, pyproject, without_marked

# what the template's authors measured and tried; what stays describes code that is the same
RESET = {
    "CHANGELOG.md": "# Changelog\n\n## 0.1.0\n\n- The first version.\n",
    "docs/results.md": "# Results\n\nNone yet: this page is for what was measured in this repository.\n",
    "docs/log.md": "# What was tried, when, what it gave\n\nNothing yet.\n",
}
NEEDED = ("LICENSE", "Makefile", "README.md", "project/__init__.py", "pyproject.toml", "requirements/main.txt")
LEAD = "Text classification in PyTorch Lightning: `make train` trains a model and tests it, `make help` lists the rest."


def decoded(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the files that are text, with the ends of lines that Python has."""
    found = {}
    for path, content in files.items():
        try:
            found[path] = content.decode("utf-8").replace("\r\n", "\n")
        except UnicodeDecodeError:
            continue
    return found


def check(texts: Mapping[str, str]) -> None:
    """Refuse a tree that lacks what the rules are for, or has files that they cannot read."""
    if missing := [path for path in NEEDED if path not in texts]:
        raise RefusedError(f"{missing[0]} is missing: this works on the whole repository, before anything is deleted")
    for path, text in texts.items():
        try:
            if path.endswith(".py"):
                ast.parse(text)
            elif path == "pyproject.toml":
                tomllib.loads(text)
        except SyntaxError as error:
            raise RefusedError(f"{path}:{error.lineno}: {error.msg}: correct it first") from error
        except tomllib.TOMLDecodeError as error:
            raise RefusedError(f"{path}: {error}: correct it first") from error


def readme(text: str, names: Names) -> str:
    """Return README.md under the user's title, without what it says about the template as a whole and its results."""
    text = re.sub(r"^## Results\n.*?(?=^## |\Z)", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"\A# .*\n\n(?:\w.*\n)+", f"# {names.title}\n\n{LEAD}\n", text)


def licence(text: str, author: str) -> str:
    """Return the licence with the author's line before those of whom the code is from, as the licence demands."""
    own = f"Copyright (c) {datetime.date.today().year} {author}\n"
    return re.sub(r"^(?=Copyright )", own, text, count=1, flags=re.MULTILINE) if author else text


def of_kind(path: str, text: str, gone: Gone) -> str:
    """Return a file without what it says about rooms that go, by the rules of its kind."""
    if path == "Makefile":
        return makefile(text, gone)
    if path == "pyproject.toml":
        return pyproject(text, gone)
    if path.endswith(".md"):
        return examples(pages.page(text, gone), gone)
    return text if path.endswith(".py") else examples(without_marked(text, gone), gone)


def without_tests(texts: Mapping[str, str], lost: set[str]) -> dict[str, str]:
    """Return the files with their lists of tests, in a script or a workflow, without those that are gone."""

    def left(found: re.Match[str]) -> str:
        return "" if found[1] in lost else found[0]

    pattern = re.compile(r" ?(?<![\w/])(tests/[\w/]+\.py)\b")
    return {path: text if path.endswith((".md", ".py")) else pattern.sub(left, text) for path, text in texts.items()}


def kept(texts: Mapping[str, str], gone: Gone) -> dict[str, str]:
    """Return the files that stay; figures of a benchmark go with it."""
    left = {path: text for path, text in texts.items() if not goes(path, text, gone)}
    lost = {posixpath.splitext(path)[0] for path in texts.keys() - left.keys() if path.startswith("benchmarks/")}
    extras = {f"requirements/{extra}.txt" for extra in gone.extras}
    return {path: text for path, text in left.items() if posixpath.splitext(path)[0] not in lost and path not in extras}


def documented(texts: dict[str, str], binaries: set[str], before: Mapping[str, str]) -> set[str]:
    """Take dead links and empty pages out of `texts`; return the pictures that nothing shows any more."""
    for path in [path for path in texts if path.startswith("docs/") and path.endswith(".md")]:
        if not pages.says_something(texts[path]):
            del texts[path]
    markdown = {path: text for path, text in texts.items() if path.endswith(".md")}
    shown = pages.pictures({path: text for path, text in before.items() if path.endswith(".md")})
    lost = shown - pages.pictures(markdown)
    there = (texts.keys() | binaries) - lost
    texts |= {path: pages.without_dead_links(path, markdown, there) for path in markdown}
    return lost


def encoded(texts: Mapping[str, str], names: Names, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return texts under their new names, each with the ends of lines that its file had."""
    found = {}
    for path, text in texts.items():
        ends = "\r\n" if b"\r\n" in files.get(path, b"") else "\n"
        found[renamed_path(path, names)] = renamed(path, text, names).replace("\n", ends).encode()
    return found


def tree(files: Mapping[str, bytes], names: Names, gone: Gone) -> dict[str, bytes]:
    """Return all files of the user's repository."""
    before = decoded(files)
    texts = {path: RESET.get(path) or of_kind(path, text, gone) for path, text in kept(before, gone).items()}
    texts = without_tests(texts, before.keys() - texts.keys())
    texts["README.md"] = readme(texts["README.md"], names)
    texts["LICENSE"] = licence(texts["LICENSE"], names.author)
    texts |= locks(texts, before)
    others = {path: files[path] for path in files.keys() - before.keys() if not goes(path, "", gone)}
    pictures = documented(texts, set(others), before)
    found = encoded(texts, names, files) | {renamed_path(path, names): content for path, content in others.items()}
    return {path: content for path, content in found.items() if path not in pictures}
