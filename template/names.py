"""What the user's repository is called, and which names are refused."""

import keyword
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from template.errors import RefusedError

PACKAGE, COMMAND = "project", "sentiment"  # of the template itself
LONGEST = 24  # letters of a package: lines hold 120
PROGRAMS = {"git", "make", "pip", "pip3", "python", "python3"}


@dataclass(frozen=True)
class Names:
    """The names that replace the template's."""

    package: str
    command: str
    title: str
    author: str = ""

    @property
    def prefix(self) -> str:
        """Of classes: ``AcmeReviews``."""
        return "".join(word.capitalize() for word in self.package.split("_"))

    @property
    def variables(self) -> str:
        """Of environment variables: ``ACME_REVIEWS``."""
        return self.package.upper()


def distributions(root: Path) -> set[str]:
    """Return the packages that the repository depends on, and what they are imported as if they are installed."""
    found: set[str] = set()
    for path in root.glob("requirements/*.txt"):
        found |= {name.lower() for name in re.findall(r"^([\w.-]+)==", path.read_text(encoding="utf-8"), re.MULTILINE)}
    for folder in (*root.glob(".venv/lib/python*/site-packages"), *root.glob(".venv/Lib/site-packages")):
        for path in folder.iterdir():
            if path.suffix == ".py" or (path / "__init__.py").exists():
                found.add(path.stem.lower())
    return {re.sub(r"[-.]+", "_", name) for name in found}


def check_package(name: str, root: Path) -> None:
    """Refuse a name that Python, a package or this repository has already."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise RefusedError(
            f"NAME={name}: a package is named in small letters, digits and single _, such as acme_reviews"
        )
    if len(name) > LONGEST:
        raise RefusedError(f"NAME={name}: at most {LONGEST} letters")
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise RefusedError(f"NAME={name} is a word of Python: take another")
    if name in sys.stdlib_module_names:
        raise RefusedError(f"NAME={name} is a module of Python's standard library: take another")
    if name == PACKAGE:
        raise RefusedError(f"NAME={name} is what the template itself is called: take another")
    if name in distributions(root):
        raise RefusedError(f"NAME={name} is a package that this repository needs: take another")
    if name in {path.name.lower() for path in root.iterdir()}:
        raise RefusedError(f"NAME={name} is in this folder already: take another")


def check_command(name: str, root: Path) -> None:
    """Refuse a console script that would hide another program of the environment."""
    if not re.fullmatch(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*", name) or len(name) > LONGEST:
        raise RefusedError(
            f"COMMAND={name}: a command has up to {LONGEST} small letters, digits and single - or _, such as acme"
        )
    if name in PROGRAMS or (
        name != COMMAND and (re.sub("-", "_", name) in distributions(root) or any(root.glob(f".venv/[bS]*/{name}")))
    ):
        raise RefusedError(f"COMMAND={name} is a program that this repository needs: take another")


def check_line(variable: str, text: str) -> None:
    """Refuse what would break a page, a string or a licence."""
    if not text.isprintable() or set(text) & set('"\\<>{}&`|') or len(text) > 60:
        raise RefusedError(f'{variable}={text[:80]!r}: one line of up to 60 characters, none of " \\ < > {{ }} & ` |')


def checked(package: str, command: str, title: str, author: str, root: Path) -> Names:
    """Return the names; an empty command or title follows from the package."""
    check_package(package, root)
    words = package.replace("_", " ")
    names = Names(package, command or package.replace("_", "-"), title.strip() or words.capitalize(), author.strip())
    check_command(names.command, root)
    check_line("TITLE", names.title)
    check_line("AUTHOR", names.author)
    return names
