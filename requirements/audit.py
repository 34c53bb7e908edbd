"""Ask PyPI for known vulnerabilities of every locked package that this Python on this platform installs.

Exit code: 0 none are known, 1 some are, 3 none, but not every package could be asked about.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent


def locked() -> str:
    """Return what all lock files pin, each once."""
    pins = {
        line.removesuffix(" \\")
        for path in FOLDER.glob("*.txt")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "==" in line.partition(";")[0] and not line.startswith("#")
    }
    return "\n".join(sorted(pins))


def asked(pins: str) -> list[dict[str, Any]] | None:
    """Return pip-audit's answer, package by package, or None if it had none; what it says meanwhile is kept back."""
    # without pip: nothing is resolved or installed
    command = [sys.executable, "-m", "pip_audit", "--requirement=/dev/stdin", "--no-deps", "--disable-pip"]
    words = ["--format=json", "--progress-spinner=off"]
    done = subprocess.run([*command, *words], input=pins, capture_output=True, text=True)
    try:
        answers: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except ValueError:
        last = done.stderr.strip().rpartition("\n")[2]
        print(f"error: the advisories could not be fetched, so nothing is known: {last[:200]}", file=sys.stderr)
        return None
    return answers


def main() -> int:
    """Print a line for each vulnerability, and one for the whole."""
    packages = asked(locked())
    if packages is None:
        return 3
    found = [(package, weakness) for package in packages for weakness in package.get("vulns", ())]
    for package, weakness in found:
        names = ", ".join([weakness["id"], *weakness["aliases"]])
        fixed = ", ".join(weakness["fix_versions"]) or "no version"
        print(f"{package['name']} {package['version']}: {names}; fixed in {fixed}")
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    if skipped:
        count = f"{len(skipped)} of {len(packages)} packages ({', '.join(skipped[:3])}, ...)"
        print(f"error: the advisories could not be fetched for {count}, so nothing is known of them", file=sys.stderr)
    else:
        print(f"{len(packages)} packages: {len(found) or 'no'} known vulnerabilities")
    return 1 if found else 3 if skipped else 0


if __name__ == "__main__":
    sys.exit(main())
