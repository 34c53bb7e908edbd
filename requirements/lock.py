"""Write the lock files from pyproject.toml: exact versions and digests, for every supported Python and platform.

Everything is resolved once, and each file is a part of that. Words of the command line are uv's, for that resolution:
``--constraints FILE``, for instance. ``--check`` fails if the versions do not follow from pyproject.toml (any more).
"""

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
UV = [str(Path(sys.executable).with_name("uv")), "pip", "compile", "--quiet", "--universal", "--python-version=3.11"]
# wheels only, here as in the installation: a package's build script would fetch what it builds with, unlocked
FORM = ["--only-binary=:all:", "--generate-hashes", "--no-annotate", "--no-header"]
IN_MAIN = ("export", "serve", "report")
HEAD = "# written by `make lock` from pyproject.toml\n"
CUDA = re.compile(r"(cuda|nvidia|triton)\b")


def resolved(*words: str, given: str | None = None) -> dict[str, str]:
    """Return, by name, the lines of all packages that follow from what `words` ask for; ``-`` reads `given`."""
    command = [*UV, *FORM, *words]
    done = subprocess.run(command, cwd=FOLDER.parent, input=given, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"error: uv found no versions that fit ({' '.join(words)}): nothing was written")
    packages: dict[str, str] = {}
    # a package is a line that ends in \, and its digests, indented; one that differs between Pythons stands twice
    for lines in re.findall(r"^\S.*\n(?:[ ].*\n)*", done.stdout, re.MULTILINE):
        name = lines.partition("==")[0]
        packages[name] = packages.get(name, "") + lines
    packages.pop("pip", None)  # pip-audit asks for one, and every environment has its own
    return packages


def locks(words: list[str]) -> dict[str, dict[str, str]]:
    """Return the packages of each lock file, by its name."""
    facts = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text(encoding="utf-8"))
    everything = resolved("pyproject.toml", "--all-extras", *words)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("".join(everything.values()))
        file.flush()
        same = f"--constraints={file.name}"
        found = {"build": resolved("-", same, given="\n".join(facts["build-system"]["requires"]))}
        found |= {group: resolved("--group", group, same) for group in facts.get("dependency-groups", {})}
        extras = facts["project"]["optional-dependencies"].keys()
        main = resolved("pyproject.toml", *(f"--extra={extra}" for extra in IN_MAIN if extra in extras), same)
        for extra in extras - set(IN_MAIN):
            packages = resolved("pyproject.toml", f"--extra={extra}", same)
            found[extra] = {name: lines for name, lines in packages.items() if name not in main}
    # its digests are those of one index: other builds of the same version have others
    found["torch"] = {"torch": main.pop("torch").split(maxsplit=1)[0] + "\n"}
    found["cuda"] = {name: lines for name, lines in main.items() if CUDA.match(name)}
    found["main"] = {name: lines for name, lines in main.items() if name not in found["cuda"]}
    return found


def main() -> None:
    """Write all files, or none, and remove those of extras that are gone; ``--check`` writes nothing."""
    words = sys.argv[1:]
    there = {path: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.txt"))}
    if "--check" in words:
        words.remove("--check")
        words += [f"--constraints={path}" for path in there]  # what is locked is not renewed
    texts = {FOLDER / f"{name}.txt": HEAD + "".join(lines.values()) for name, lines in locks(words).items()}
    if "--check" in sys.argv:
        # without digests: new builds of a version that is locked already are no reason to lock anew
        differ = [path.name for path in sorted({*there, *texts}) if pins(there.get(path)) != pins(texts.get(path))]
        sys.exit(f"error: not what follows from pyproject.toml: {', '.join(differ)}; run `make lock`" if differ else 0)
    for path in there.keys() - texts.keys():
        path.unlink()
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")


def pins(text: str | None) -> list[str]:
    """Return the lines of a lock file that pin a version; none of a file that is not there."""
    return [line for line in (text or "").splitlines() if "==" in line.partition(";")[0]]


if __name__ == "__main__":
    main()
