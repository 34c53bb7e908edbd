"""Lock files without the lines that nothing needs any more, as `make lock` would write them, but without an index.

Which package needs which is in needs.txt. After `make lock`, `python -m template.locks` writes it anew.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

NEEDS = Path(__file__).with_name("needs.txt")
IN_MAIN = ("export", "serve", "report")
BLOCK = re.compile(r"^(([a-z0-9-]+)==.*\n(?: .*\n)*)", re.MULTILINE)


def canonical(name: str) -> str:
    """Return a package's name as lock files write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def needs() -> dict[str, set[str]]:
    """Return what each package needs; extras and platforms are left out of account, so that it may be more."""
    lines = NEEDS.read_text(encoding="utf-8").splitlines()
    return {name: set(others.split()) for name, _, others in (line.partition(":") for line in lines)}


def roots(wanted: Iterable[str], extras: Mapping[str, list[str]], own: str) -> set[str]:
    """Return the packages that requirements name, those of the repository's own extras among them."""
    found: set[str] = set()
    for requirement in wanted:
        match = re.match(r"([\w.-]+)(?:\[([^\]]*)\])?", requirement)
        if match and match[1] == own:
            for extra in match[2].split(","):
                found |= roots(extras[extra.strip()], extras, own)
        elif match:
            found.add(canonical(match[1]))
    return found


def closure(names: set[str], needed: Mapping[str, set[str]]) -> set[str]:
    """Return packages and all that follows from them."""
    found: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += needed.get(name, ())
    return found


def blocks(text: str) -> dict[str, str]:
    """Return the lines of each package of a lock file; one that differs between Pythons stands twice."""
    found: dict[str, str] = {}
    for block, name in BLOCK.findall(text):
        found[name] = found.get(name, "") + block
    return found


def wanted(facts: Mapping[str, Any], before: Mapping[str, Mapping[str, str]]) -> dict[str, set[str]]:
    """Return the packages of each lock file, by pyproject.toml and by what the files held before."""
    table, needed = facts["project"], needs()
    extras = table["optional-dependencies"]

    def all_of(requirements: Iterable[str]) -> set[str]:
        return closure(roots(requirements, extras, table["name"]), needed)

    in_main = [requirement for extra in IN_MAIN for requirement in extras.get(extra, ())]
    main = all_of([*table["dependencies"], *in_main]) & before["main"].keys()
    found = {"main": main}
    for extra in extras.keys() - set(IN_MAIN):
        found[extra] = (all_of(extras[extra]) - main) & (before[extra].keys() | before["main"].keys())
    for group, packages in facts.get("dependency-groups", {}).items():
        found[group] = all_of(packages) & before[group].keys()
    return found


def locks(texts: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
    """Return the lock files of a tree with the lines that are still needed, from those before."""
    files = {
        PurePosixPath(path).stem: text
        for path, text in before.items()
        if re.fullmatch(r"requirements/[a-z_]+\.txt", path)
    }
    old = {name: blocks(text) for name, text in files.items()}
    found = {}
    for file, packages in wanted(tomllib.loads(texts["pyproject.toml"]), old).items():
        first = files[file].splitlines(keepends=True)[0]
        lines = [old[file].get(package, old["main"].get(package, "")) for package in sorted(packages)]
        found[f"requirements/{file}.txt"] = first + "".join(lines)
    return found


def main() -> None:
    """Ask uv, which `make lock` installs, why each package is there, and write it by what each needs."""
    root = NEEDS.parents[1]
    pins = "".join(path.read_text(encoding="utf-8") for path in root.glob("requirements/*.txt"))
    lines = [f"{line.removesuffix(chr(92))}\n" for line in pins.splitlines() if line[:1] not in "# "]
    command = [
        str(Path(sys.executable).with_name("uv")),
        "pip",
        "compile",
        "pyproject.toml",
        "--all-extras",
        "--universal",
    ]
    command += ["--quiet", "--python-version=3.11", "--only-binary=:all:", "--no-header", "--annotation-style=line"]
    pinned = NEEDS.with_suffix(".pins")
    pinned.write_text("".join(lines), encoding="utf-8")
    try:
        done = subprocess.run([*command, "-c", str(pinned)], cwd=root, stdout=subprocess.PIPE, text=True, check=True)
    finally:
        pinned.unlink()
    found: dict[str, set[str]] = {}
    for name, by in re.findall(r"^([a-z0-9-]+)==.*# via (.*)$", done.stdout, re.MULTILINE):
        found.setdefault(name, set())
        for other in by.split(", "):
            if re.fullmatch(r"[a-z0-9-]+", other):
                found.setdefault(other, set()).add(name)
    text = "".join(f"{name}: {' '.join(sorted(others))}".rstrip() + "\n" for name, others in sorted(found.items()))
    NEEDS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
