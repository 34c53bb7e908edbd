import hashlib
import http.server
import io
import os
import tarfile
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from project.errors import UserError
from project.ingest.fetch import Distribution, Member, fetch

CONTENT = b"warm wise words"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("SENTIMENT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def wheel(tmp_path, monkeypatch) -> Distribution:
    """A wheel that the user's pip finds in a local folder, its only source."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    path = folder / "toy_words-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("toy_words/words.txt", CONTENT)
        info = "toy_words-1.0.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: toy-words\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    for variable in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return Distribution(
        requirement="toy-words==1.0",
        sha256=digest(path.read_bytes()),
        kind="wheel",
        size="1 kB",
        members=(Member("toy_words/words.txt", digest(CONTENT)),),
    )


def with_url(wheel: Distribution, url: str) -> Distribution:
    members = tuple(Member(member.path, member.sha256, url) for member in wheel.members)
    return Distribution("absent-words==1.0", wheel.sha256, wheel.kind, wheel.size, members)


def left_behind(cache: Path) -> list[Path]:
    return [path for path in cache.rglob("*") if path.is_file()]


def test_pip_fetches_through_the_users_configuration(cache, wheel):
    assert fetch(wheel)["words.txt"].read_bytes() == CONTENT


def test_second_time_nothing_is_fetched(cache, wheel, monkeypatch):
    fetch(wheel)
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    assert fetch(wheel)["words.txt"].read_bytes() == CONTENT


def test_damaged_cache_is_fetched_again(cache, wheel):
    fetch(wheel)["words.txt"].write_bytes(b"torn")
    assert fetch(wheel)["words.txt"].read_bytes() == CONTENT


def test_only_the_verified_file_is_left(cache, wheel):
    assert left_behind(cache) == []
    assert [fetch(wheel)["words.txt"]] == left_behind(cache)


def test_wheel_with_another_hash_is_refused_and_leaves_nothing(cache, wheel):
    other = Distribution(wheel.requirement, digest(b"other"), "wheel", wheel.size, wheel.members)
    with pytest.raises(UserError, match=r"pip cannot fetch toy-words==1\.0"):
        fetch(other)
    assert left_behind(cache) == []


def test_member_with_another_hash_is_refused_and_leaves_nothing(cache, wheel):
    members = (Member("toy_words/words.txt", digest(b"other")),)
    with pytest.raises(UserError, match=r"words\.txt from toy_words-1\.0-py3-none-any\.whl is broken"):
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
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()


def test_public_address_serves_where_pip_cannot(cache, wheel, server):
    assert fetch(with_url(wheel, f"{server}/words.txt"))["words.txt"].read_bytes() == CONTENT


def test_broken_download_is_reported_and_leaves_nothing(cache, wheel, server):
    with pytest.raises(UserError, match="is broken or not the expected release"):
        fetch(with_url(wheel, f"{server}/broken/words.txt"))
    assert left_behind(cache) == []


def test_both_reasons_are_told_where_nothing_serves(cache, wheel, server):
    with pytest.raises(UserError, match=r"pip says .*absent-words.*404"):
        fetch(with_url(wheel, f"{server}/nothing.txt"))
    assert left_behind(cache) == []


def test_runs_at_once_do_no_harm(cache, wheel):
    with ThreadPoolExecutor(3) as pool:
        paths = [files["words.txt"] for files in pool.map(fetch, [wheel] * 3)]
    assert {path.read_bytes() for path in paths} == {CONTENT}
    assert left_behind(cache) == [paths[0]]


def test_unwritable_cache_is_reported(tmp_path, wheel, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SENTIMENT_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match="set SENTIMENT_CACHE to another folder"):
        fetch(wheel)


# --- packages of npm -------------------------------------------------------------------------------------------------


def npm_package(folder: Path, monkeypatch) -> Distribution:
    """A package of npm, and an npm on the path that knows it alone."""
    packed = folder / "toy-words-1.0.0.tgz"
    with tarfile.open(packed, "w:gz") as archive:
        member = tarfile.TarInfo("package/words.txt")
        member.size = len(CONTENT)
        archive.addfile(member, io.BytesIO(CONTENT))
    npm = folder / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(
        "#!/bin/sh\n"
        '[ "$1 $2" = "pack toy-words@1.0.0" ] || { echo "npm error code E404" >&2; exit 1; }\n'
        f'cp {packed} "$5"\n'
    )
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(npm.parent), prepend=os.pathsep)
    members = (Member("package/words.txt", digest(CONTENT)),)
    return Distribution("toy-words@1.0.0", digest(packed.read_bytes()), "npm", "1 kB", members)


def test_npm_fetches_its_own(cache, tmp_path, monkeypatch):
    assert fetch(npm_package(tmp_path, monkeypatch))["words.txt"].read_bytes() == CONTENT


def test_what_npm_says_is_told(cache, tmp_path, monkeypatch):
    absent = replace(npm_package(tmp_path, monkeypatch), requirement="absent@1.0.0")
    with pytest.raises(UserError, match=r"npm cannot fetch absent@1.0.0: npm error code E404; check .*npm config list"):
        fetch(absent)


def test_another_file_than_the_pinned_one_is_refused(cache, tmp_path, monkeypatch):
    other = replace(npm_package(tmp_path, monkeypatch), sha256=digest(b"other"))
    with pytest.raises(UserError, match="not the expected one"):
        fetch(other)
    assert left_behind(cache) == []


def test_where_there_is_no_npm_it_is_named(cache, tmp_path, monkeypatch):
    package = npm_package(tmp_path, monkeypatch)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="it is not installed"):
        fetch(package)
