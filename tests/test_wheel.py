"""The wheel, installed outside of this checkout: what it holds, and that its commands do what the checkout's do."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
import yaml

from project import load
from project.registry import registered
from tests.conftest import PLAIN, test_figures
from tests.copies import tree_without

pytestmark = pytest.mark.slow
TEXTS = ["A lovely film.", "A tedious cast, and a cold ending."]
BEST = "runs/version_0/checkpoints/best.ckpt"
OUTSIDE = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def needs(*commands: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not set(commands) <= registered("COMMANDS").keys(), reason="a room was deleted")


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """A copy of this checkout, in which a build may leave what it likes."""
    return tree_without(tmp_path_factory.mktemp("source") / "tree", [])


@pytest.fixture(scope="module")
def wheel(tree) -> Path:
    """The wheel, built without network."""
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", tree.parent, tree], check=True)
    (found,) = tree.parent.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def home(wheel, toy, tmp_path_factory) -> Path:
    """An environment that has the wheel and this one's packages, but not its checkout; a fit has run in the folder."""
    folder = tmp_path_factory.mktemp("home")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
    pip = [sys.executable, "-m", "pip", "--python", folder / "env", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, wheel], env=OUTSIDE, check=True)
    (own,) = (folder / "env").glob("lib/python*/site-packages")
    # found after its own; an editable installation there is a .pth file, which is read at no second place
    (own / "others.pth").write_text(sysconfig.get_path("purelib"))
    sentiment(folder, "fit", f"--data.corpus={toy}", "--trainer.max_epochs=2", *PLAIN)
    return folder


def start(home: Path, *words: str | Path) -> subprocess.Popen[str]:
    environment = OUTSIDE | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    command = [str(home / "env" / "bin" / "sentiment"), *map(str, words)]
    return subprocess.Popen(
        command, cwd=home, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def sentiment(home: Path, *words: str | Path, code: int = 0) -> tuple[str, str]:
    """Run the installed command; return what it printed and what went to standard error."""
    process = start(home, *words)
    out, err = process.communicate(timeout=300)
    assert process.returncode == code, f"{words}\n{out[-2000:]}\n{err[-2000:]}"
    return out, err


def test_it_holds_every_module_configuration_and_page(tree, wheel):
    kinds = {".py", ".yaml", ".yml", ".html", ".css"}
    paths = [path.relative_to(tree) for room in ("project", "configs") for path in (tree / room).rglob("*")]
    wanted = {path.as_posix().replace("configs/", "project/configs/", 1) for path in paths if path.suffix in kinds}
    assert wanted - set(zipfile.ZipFile(wheel).namelist()) == set()


def test_it_brings_one_package_and_its_types(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert "project/py.typed" in names
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"project"}


def test_fit_runs_the_checkouts_configuration(home, fitted_once):
    run, ours = (folder / "runs" / "version_0" / "config.yaml" for folder in (home, fitted_once))
    assert yaml.safe_load(run.read_text()) == yaml.safe_load(ours.read_text())


def test_fit_reaches_the_checkouts_figures(home, fitted_once):
    ours = test_figures(fitted_once / "runs" / "version_0")
    assert test_figures(home / "runs" / "version_0") == pytest.approx(ours, abs=1e-4)


@needs("classify")
def test_classify_answers_as_the_checkout_does(home, fitted_once):
    out, _ = sentiment(home, "classify", "--ckpt_path", BEST, *TEXTS)
    ours = load(fitted_once / BEST)(TEXTS)
    assert [line.split()[0] for line in out.splitlines()] == [each.label for each in ours]


@pytest.fixture(scope="module")
def bundle(home) -> Path:
    sentiment(home, "export", "--ckpt_path", BEST, "--output", "bundle")
    return home / "bundle"


@needs("export")
def test_the_exported_bundle_answers_as_the_checkouts_model(bundle, fitted_once):
    ours = [each.probabilities["positive"] for each in load(fitted_once / BEST)(TEXTS)]
    assert [each.probabilities["positive"] for each in load(bundle)(TEXTS)] == pytest.approx(ours, abs=1e-4)


@needs("export", "serve")
def test_the_server_answers_and_has_its_page(home, bundle, fitted_once):
    with start(home, "serve", bundle, "--port", "0") as process:
        log = process.stderr or ()
        address = next(found[0] for line in log if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        content = json.dumps({"texts": TEXTS}).encode()
        with urlopen(Request(f"{address}/predict", content, {"Content-Type": "application/json"})) as answer:
            answered = json.load(answer)["predictions"]
        with urlopen(address) as page:
            assert b"<html" in page.read()
        process.terminate()
    assert [each["label"] for each in answered] == [each.label for each in load(fitted_once / BEST)(TEXTS)]


def test_without_its_default_configuration_it_refuses(home, toy):
    (default,) = home.glob("env/lib/python*/site-packages/project/configs/default.yaml")
    default.rename(default.with_suffix(".away"))
    try:
        _, err = sentiment(home, "fit", f"--data.corpus={toy}", code=2)
    finally:
        default.with_suffix(".away").rename(default)
    assert err == f"error: {default} is missing, without which another job would run: restore it\n"
