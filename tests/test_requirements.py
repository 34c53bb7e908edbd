"""requirements/: exact versions with digests, complete, of one resolution, and refused if they differ."""

import hashlib
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "requirements").glob("*.txt"))
HASHED = [path for path in FILES if path.stem != "torch"]
FACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = FACTS["project"]["optional-dependencies"]
GROUPS = FACTS.get("dependency-groups", {})
IN_MAIN = {"export", "serve", "report"} & EXTRAS.keys()
MAIN = [f"project[{','.join(sorted(IN_MAIN))}]"]
DIGEST = re.compile(r"    --hash=sha256:[0-9a-f]{64}")


def packages(name: str) -> list[Requirement]:
    """Return what a lock file pins."""
    lines = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line.removesuffix("\\")) for line in lines if line[0] not in " #"]


def here(name: str) -> dict[str, str]:
    """Return name -> version of what a lock file pins for this Python on this platform."""
    found = [pin for pin in packages(name) if pin.marker is None or pin.marker.evaluate()]
    return {pin.name: str(pin.specifier).removeprefix("==") for pin in found}


@pytest.mark.parametrize("path", HASHED, ids=lambda path: path.stem)
def test_every_package_is_an_exact_version_with_digests(path):
    text = path.read_text(encoding="utf-8")
    blocks = re.findall(r"^[^\s#].*\n(?: .*\n)*", text, re.MULTILINE)
    assert blocks
    assert "".join(blocks) == "".join(line for line in text.splitlines(keepends=True) if line[0] != "#")
    for block in blocks:
        first, *digests = block.replace(" \\\n", "\n").splitlines()
        assert re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*( ; .+)?", first)
        assert digests
        assert [line for line in digests if not DIGEST.fullmatch(line)] == []


def test_torch_and_its_cuda_packages_stand_apart():
    assert [str(pin) for pin in packages("torch")] == ["torch==2.13.0"]
    assert {"cuda-toolkit", "nvidia-cublas", "triton"} <= {pin.name for pin in packages("cuda")}
    assert [str(pin) for pin in packages("cuda") if 'sys_platform == "linux"' not in str(pin.marker)] == []
    for path in set(FILES) - {ROOT / "requirements" / name for name in ("torch.txt", "cuda.txt")}:
        assert not [pin.name for pin in packages(path.stem) if re.match(r"(torch$|nvidia|cuda|triton)", pin.name)]


def test_each_version_is_the_same_in_every_file():
    versions: dict[str, set[str]] = {}
    for path in FILES:
        for name, version in here(path.stem).items():
            versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_each_extra_has_its_file():
    assert {path.stem for path in FILES} == {"build", "cuda", "main", "torch"} | GROUPS.keys() | EXTRAS.keys() - IN_MAIN


@pytest.mark.parametrize("extra", ["", *EXTRAS])
def test_versions_are_those_that_pyproject_allows(extra):
    """Fails after a range was edited until `make lock` has run."""
    pins = here("main") | here("torch") | (here(extra) if extra and extra not in IN_MAIN else {})
    wanted = map(Requirement, EXTRAS[extra] if extra else FACTS["project"]["dependencies"])
    others = [need for need in wanted if need.name != "project"]
    assert [str(need) for need in others if not need.specifier.contains(pins[canonicalize_name(need.name)])] == []


def closure(needs: list[str]) -> list[Requirement]:
    """Return `needs` and all that follows from them, by the metadata of the packages that are installed."""
    found: dict[str, Requirement] = {}
    todo = list(needs)
    while todo:
        word = todo.pop()
        if word not in found:
            need = found[word] = Requirement(word)
            extras = [{"extra": extra} for extra in ["", *need.extras]]
            for more in requires(need.name) or []:
                marker = Requirement(more).marker
                if marker is None or any(map(marker.evaluate, extras)):
                    todo.append(more)
    return [need for need in found.values() if need.name != "project"]


@pytest.mark.parametrize("extra", ["", *sorted(EXTRAS.keys() - IN_MAIN - {"bench", "lock", "release"})])
def test_what_is_installed_without_looking_for_dependencies_is_complete(extra):
    pins = here("main") | here("torch") | here("cuda") | (here(extra) if extra else {})
    needs = [(canonicalize_name(need.name), need.specifier) for need in closure(EXTRAS[extra] if extra else MAIN)]
    assert {name for name, _ in needs} - pins.keys() == set()
    assert [name for name, allowed in needs if not allowed.contains(pins[name], prereleases=True)] == []


def locked_again(folder: Path, monkeypatch: pytest.MonkeyPatch, six: str) -> str | int | None:
    """Check a folder whose files hold six 1.0, where main.txt would now hold `six`; return the exit code."""
    monkeypatch.setattr("sys.argv", ["lock.py", "--check"])
    lock = runpy.run_path(str(ROOT / "requirements" / "lock.py"))
    found = {"build": {"six": "six==1.0 \\\n    --hash=sha256:2\n"}, "main": {"six": f"six=={six}\n"}}
    lock["main"].__globals__.update(FOLDER=folder, locks=lambda words: found)
    for name in found:
        (folder / f"{name}.txt").write_text("six==1.0 \\\n    --hash=sha256:1\n")
    with pytest.raises(SystemExit) as ended:
        lock["main"]()
    return ended.value.code


def test_lock_check_names_files_of_other_versions(tmp_path, monkeypatch):
    said = locked_again(tmp_path, monkeypatch, "2.0")
    assert said == "error: not what follows from pyproject.toml: main.txt; run `make lock`"


def test_lock_check_passes_over_digests_and_writes_nothing(tmp_path, monkeypatch):
    assert locked_again(tmp_path, monkeypatch, "1.0 \\") == 0
    assert "sha256:1\n" in (tmp_path / "build.txt").read_text()


def test_lock_keeps_clear_of_the_bad_releases():
    assert tuple(map(int, here("main")["lightning"].split("."))) >= (2, 6, 4)


def test_image_and_make_take_every_package_by_its_digest():
    makefile, dockerfile = ((ROOT / name).read_text(encoding="utf-8") for name in ("Makefile", "Dockerfile"))
    (always,) = re.findall(r"^PIP_INSTALL := (.*\\\n.*)$", makefile, re.MULTILINE)
    assert "--no-deps --only-binary :all:" in always
    assert "LOCKED := $(PIP_INSTALL) --require-hashes\n" in makefile
    commands = re.findall(r"pip(?: --python \S+)? install [^;&\n]*", dockerfile.replace("\\\n", ""))
    assert [command for command in commands if "--no-deps" not in command] == []
    others = [command for command in commands if "--require-hashes" not in command]
    assert len(others) == 2 + ("serve" in GROUPS)  # torch, and this repository itself in either image
    words = ["torch.txt", "--no-build-isolation", *(["--no-index"] if "serve" in GROUPS else [])]
    assert [word for word in words if word not in " ".join(others)] == []


def test_the_page_on_installing_takes_every_package_by_its_digest():
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    commands = re.findall(r"pip install (.*-r requirements/main\.txt.*)", page)
    assert len(commands) == 3  # pip, pip on Windows, uv
    assert [command for command in commands if not {"--no-deps", "--require-hashes"} <= set(command.split())] == []


def test_an_extra_that_does_not_exist_is_named():
    done = subprocess.run(["make", "setup", "EXTRAS=dev,nothing"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "EXTRAS=dev,nothing: choose among b" in done.stderr


# a stand-in for pip-audit: what it was asked is written down, and what it answers is given
PIP_AUDIT = """
import json, os, sys
from pathlib import Path

Path("asked.json").write_text(json.dumps([sys.argv[1:], sys.stdin.read().splitlines()]))
print(os.environ["ANSWER"])
"""
CLEAN = '{"name": "six", "version": "1.17.0", "vulns": []}'
WEAK = '{"name": "tqdm", "version": "4.70.1", "vulns": [{"id": "A-1", "aliases": ["B-2"], "fix_versions": ["5.0"]}]}'
UNKNOWN = '{"name": "rich", "skip_reason": "not found"}'


def audit(folder: Path, answer: str) -> subprocess.CompletedProcess[str]:
    (folder / "pip_audit.py").write_text(PIP_AUDIT)
    command = [sys.executable, str(ROOT / "requirements" / "audit.py")]
    env = os.environ | {"PYTHONPATH": str(folder), "ANSWER": answer}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("answers", "code", "printed", "error"),
    [
        ([CLEAN], 0, "1 packages: no known vulnerabilities\n", ""),
        ([CLEAN, WEAK], 1, "tqdm 4.70.1: A-1, B-2; fixed in 5.0\n2 packages: 1 known vulnerabilities\n", ""),
        ([CLEAN, UNKNOWN], 3, "", "for 1 of 2 packages (rich, ...), so nothing is known of them\n"),
        ([WEAK, UNKNOWN], 1, "tqdm 4.70.1: A-1, B-2; fixed in 5.0\n", "nothing is known of them\n"),
    ],
    ids=["none", "one", "not asked", "one and not asked"],
)
def test_audit_says_what_is_known(tmp_path, answers, code, printed, error):
    done = audit(tmp_path, f'{{"dependencies": [{", ".join(answers)}]}}')
    assert (done.returncode, done.stdout) == (code, printed)
    assert done.stderr.endswith(error)
    assert done.stderr.count("\n") == (1 if error else 0)


def test_audit_without_an_answer_is_one_line(tmp_path):
    done = audit(tmp_path, "")
    assert (done.returncode, done.stdout) == (3, "")
    assert re.fullmatch(r"error: the advisories could not be fetched, so nothing is known: .*\n", done.stderr)


def test_audit_asks_about_every_pin_and_resolves_nothing(tmp_path):
    audit(tmp_path, "{}")
    words, lines = json.loads((tmp_path / "asked.json").read_text())
    assert {"--no-deps", "--disable-pip", "--format=json"} <= set(words)
    assert {Requirement(line).name for line in lines} == {pin.name for path in FILES for pin in packages(path.stem)}


def wheel(folder: Path, name: str, version: str, needs: str = "") -> str:
    """Write a wheel that holds nothing but its metadata; return its lines of a lock file."""
    info = f"{name}-{version}.dist-info"
    files = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": f"{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n",
    }
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(f"{info}/{file}", text)
    return f"{name}=={version} \\\n    --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


PROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
BACKEND = """
import shutil
from pathlib import Path

def build_editable(folder, config_settings=None, metadata_directory=None):
    return Path(shutil.copy("wheels/mine-1.0-py3-none-any.whl", folder)).name
"""


def tree_of_wheels(folder: Path, torch_needs: str = "") -> Path:
    """Make a tree that has this one's Makefile, and an index of four packages and itself."""
    for name in ("wheels", "requirements"):
        (folder / name).mkdir()
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "backend.py").write_text(BACKEND)
    wheel(folder / "wheels", "mine", "1.0")
    for lock, package in {"main": "small", "build": "builder", "cuda": "toolkit", "torch": "torch"}.items():
        lines = wheel(folder / "wheels", package, "1.0", torch_needs if lock == "torch" else "")
        (folder / "requirements" / f"{lock}.txt").write_text("torch==1.0\n" if lock == "torch" else lines)
    return folder


def setup(tree: Path) -> subprocess.CompletedProcess[str]:
    """Run `make setup` in a tree, with its folder of wheels as the only index."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PIP_", "ARGS"))}
    env |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tree / "wheels"), "PIP_CONFIG_FILE": os.devnull}
    command = ["make", "--no-print-directory", f"PYTHON={sys.executable}", "setup"]
    return subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True)


def installed(tree: Path) -> set[str]:
    names = {path.name.partition("-")[0] for path in tree.glob(".venv/lib/python*/site-packages/*.dist-info")}
    return names - {"pip", "setuptools"}  # which a new environment may have


@pytest.mark.slow
def test_a_package_that_differs_from_its_digest_is_refused(tmp_path):
    tree = tree_of_wheels(tmp_path)
    wheel(tree / "wheels", "small", "1.0", "Summary: another\n")
    done = setup(tree)
    assert done.returncode == 2
    assert "THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE" in done.stderr
    assert re.search(r"small==1\.0 .*\n *Expected sha256 [0-9a-f]{64}\n *Got +[0-9a-f]{64}\n", done.stderr)
    assert not {"small", "mine"} & installed(tree)
    assert not list(tree.glob(".venv/.main*"))


@pytest.mark.slow
def test_setup_twice_installs_once(tmp_path):
    tree = tree_of_wheels(tmp_path)
    assert setup(tree).returncode == 0
    assert installed(tree) == {"torch", "small", "builder", "mine"}
    shutil.rmtree(tree / "wheels")
    again = setup(tree)
    assert (again.returncode, again.stderr) == (0, "")


@pytest.mark.slow
def test_cuda_packages_come_where_torch_asks_for_them(tmp_path):
    tree = tree_of_wheels(tmp_path, "Requires-Dist: cuda-toolkit==13.0.3\n")
    assert setup(tree).returncode == 0
    assert installed(tree) == {"torch", "small", "builder", "mine", "toolkit"}


@pytest.mark.slow
def test_audit_that_cannot_reach_its_service_says_so(tmp_path):
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
    lock = ["--target", str(tmp_path), "--requirement", str(ROOT / "requirements" / "lock.txt")]
    subprocess.run([*pip, *lock], check=True)
    env = os.environ | {"PYTHONPATH": str(tmp_path), "HTTPS_PROXY": "http://127.0.0.1:9"}
    command = [sys.executable, str(ROOT / "requirements" / "audit.py")]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (3, "")
    assert re.fullmatch(r"error: the advisories could not be fetched, .*: .*ProxyError.*\n", done.stderr)
