"""What `make init` makes of all files of this repository, without running any of it."""

import ast
import re
import subprocess
from collections.abc import Mapping

import pytest

from template.names import Names
from template.pages import is_there, links
from template.rooms import gone, rooms_of
from template.tree import decoded, tree
from tests.template.conftest import ROOT
from tests.template.words import of_the_template

NAMES = Names("acme_reviews", "acme", "Acme reviews", "A. Nonymous")


@pytest.fixture(scope="module")
def files() -> Mapping[str, bytes]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name: (ROOT / name).read_bytes() for name in done.stdout.splitlines() if (ROOT / name).is_file()}


@pytest.fixture(scope="module", params=["all", "core"])
def texts(request: pytest.FixtureRequest, files: Mapping[str, bytes]) -> dict[str, str]:
    before = decoded(files)
    left_out = set(rooms_of(before)) if request.param == "core" else set()
    return decoded(tree(files, NAMES, gone(left_out, before)))


def test_no_word_of_the_template_is_left(texts):
    assert [found for path, text in texts.items() for found in of_the_template(path, text)] == []


def test_python_stays_python(texts):
    for path in [path for path in texts if path.endswith(".py")]:
        ast.parse(texts[path], path)


def test_links_of_pages_lead_somewhere(files, texts):
    pages = {path: text for path, text in texts.items() if path.endswith(".md")}
    paths = set(texts) | {path for path in files if path.endswith((".png", ".svg"))}
    dead = [
        (page, link) for page, text in pages.items() for link in links(text) if not is_there(page, link, pages, paths)
    ]
    assert dead == []


def test_no_marker_of_the_template_is_left(texts):
    assert [path for path, text in texts.items() if re.search(r"needs template/|-m template\b", text)] == []
