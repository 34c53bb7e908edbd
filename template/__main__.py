"""``make init NAME=acme_reviews``, or ``python -m template --name acme_reviews`` where there is no make."""

import argparse
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from template import history, swap
from template.errors import RefusedError
from template.names import PACKAGE, checked
from template.rename import renamed_path
from template.rooms import gone, left_out, rooms_of
from template.tree import check, decoded, tree
from template.wrap import wrap_all

VARIABLES = {
    "NAME": "the package, such as acme_reviews",
    "COMMAND": "the console script (default: the package's name with dashes)",
    "TITLE": "of README and page (default: the package's name in words)",
    "AUTHOR": "for the licence (default: git's user.name)",
    "KEEP": "the rooms that stay, or none (default: all)",
    "DROP": "the rooms that go",
    "GIT": "keep (default: changes are staged) or fresh (a new history of one commit; the old one is a branch)",
}
ASKED = ("NAME", "COMMAND", "TITLE", "KEEP")


def given(words: list[str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return what the command line sets; make names the variables that it was given, and passes their values on."""
    parser = argparse.ArgumentParser("python -m template", description=__doc__)
    for variable, text in VARIABLES.items():
        parser.add_argument(f"--{variable.lower()}", help=text, metavar=variable)
    parser.add_argument("--from-make", nargs="*", default=[], choices=list(VARIABLES), help=argparse.SUPPRESS)
    options = vars(parser.parse_args(words))
    named = options.pop("from_make")
    found = {variable: environment.get(variable, "") for variable in named}
    found |= {name.upper(): text for name, text in options.items() if text is not None}
    return {variable: text.strip() for variable, text in found.items() if text.strip()}


def asked(found: dict[str, str]) -> dict[str, str]:
    """Ask for what is missing if somebody sits at a terminal; a name has to be there in the end."""
    if "NAME" not in found and sys.stdin.isatty() and sys.stdout.isatty():
        for variable in ASKED:
            if variable not in found and not (variable == "KEEP" and "DROP" in found):
                answer = input(f"{variable}, {VARIABLES[variable]}: ").strip()
                found |= {variable: answer} if answer else {}
    if "NAME" not in found:
        raise RefusedError("NAME is missing: make init NAME=acme_reviews, or python -m template --name acme_reviews")
    return found


def formatted(folder: Path, ruff: str | None) -> bool:
    """Sort imports and lay the code out again, since names have other lengths; return whether that was possible."""
    if ruff is None:
        return False
    steps = (["check", "--select", "I", "--fix"], ["format"], ["check", "--select", "E501", "--add-noqa"])
    for words in steps:  # the last is for strings that a long name has made too long
        if subprocess.run([ruff, *words, "--quiet", "--no-cache", "."], cwd=folder, capture_output=True).returncode:
            return False
    return True


def ruff(root: Path) -> str | None:
    """Return ruff's program, if the environment has it."""
    return next(
        (found for name in ("bin", "Scripts") if (found := shutil.which("ruff", path=root / ".venv" / name))), None
    )


def built(root: Path, words: dict[str, str]) -> None:
    """Write the new tree beside the old one and decide on it."""
    mode = words.get("GIT") or "keep"
    history.check(root, mode)
    author = words.get("AUTHOR") or history.author(root)
    names = checked(words["NAME"], words.get("COMMAND", ""), words.get("TITLE", ""), author, root)
    files = {path: (root / path).read_bytes() for path in history.tracked(root)}
    texts = decoded(files)
    check(texts)
    short = left_out(words.get("KEEP"), words.get("DROP"), rooms_of(texts))
    new = tree(files, names, gone(short, texts))
    if taken := [path for path in new if path not in files and (root / path).exists()]:
        raise RefusedError(f"{taken[0]} is in the way: it is no file of this repository")
    modes = {renamed_path(path, names): (root / path).stat().st_mode for path in files}
    folder = swap.prepare(root, files, new, modes)
    wrap_all(folder)
    then = "make train" if formatted(folder, ruff(root)) else "make format, then make train"
    without = f", without {' '.join(sorted(short))}" if short else ""
    said = f"this is {names.package} now{without}; its command is {names.command}; go on with {then}"
    swap.decide(root, {"git": mode, "package": names.package, "said": said})


def finished(root: Path) -> str:
    """Exchange the files by the plan; return what is to be said."""
    plan = swap.plan(root)
    assert plan is not None
    swap.exchange(root)
    for number in (signal.SIGINT, signal.SIGTERM):  # from here on nothing is as it was
        signal.signal(number, signal.SIG_IGN)
    staged = history.record(root, plan["git"], plan["package"], plan["old"], plan["new"])
    uninstall(root)
    swap.forget(root)
    return "\n".join(filter(None, (staged, plan["said"])))


def uninstall(root: Path) -> None:
    """Take the old name out of the environment; the next `make` installs the new one, since pyproject.toml is newer."""
    shutil.rmtree(root / f"{PACKAGE}.egg-info", ignore_errors=True)
    programs = [root / ".venv" / "bin" / "python", root / ".venv" / "Scripts" / "python.exe"]
    for python in programs:
        if python.exists() and not (root / ".venv").is_symlink():
            subprocess.run([python, "-m", "pip", "uninstall", "--quiet", "--yes", PACKAGE], capture_output=True)


def main(words: list[str]) -> int:
    """Run; return the exit code."""
    root = Path.cwd()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        options = given(words, os.environ)
        if swap.plan(root) is None:
            try:
                built(root, asked(options))
            except BaseException:
                swap.forget(root)
                raise
        print(finished(root))
    except RefusedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {error.filename or root}: {error.strerror or error}: everything is as it was", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, EOFError):
        print("stopped: everything is as it was", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
