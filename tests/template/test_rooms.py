"""Which rooms go, and what goes with them in files that are not pages."""

import pytest

from template.errors import RefusedError
from template.rooms import Gone, goes, gone, left_out, makefile, pyproject, rooms_of, without_marked

ROOMS = {"export": "export", "report": "addons/report", "serve": "serve", "teach": "addons/teach"}
TEACH = Gone(
    frozenset({"addons/teach", "template"}), frozenset({"ask"}), frozenset({"teach"}), frozenset({"teaching.md"})
)


@pytest.mark.parametrize(
    ("keep", "drop", "expected"),
    [
        (None, None, set()),
        ("none", None, {"export", "report", "serve", "teach"}),
        ("export, report", None, {"serve", "teach"}),
        (None, "teach report", {"report", "teach"}),
        (None, "serve,export", {"export", "serve"}),
    ],
)
def test_keep_and_drop(keep, drop, expected):
    assert left_out(keep, drop, ROOMS) == expected


@pytest.mark.parametrize(
    ("keep", "drop", "message"),
    [
        ("serve", None, "^serve needs export: keep both, or drop serve too$"),
        (None, "export", "^serve needs export: keep both, or drop serve too$"),
        ("teach", "report", "^KEEP and DROP exclude each other: give one of them$"),
        (None, "tech", "^DROP=tech: choose among export report serve teach, or KEEP=none$"),
        ("tech", None, "^KEEP=tech: choose among export report serve teach, or KEEP=none$"),
    ],
)
def test_what_cannot_be_chosen(keep, drop, message):
    with pytest.raises(RefusedError, match=message):
        left_out(keep, drop, ROOMS)


def test_rooms_are_found_by_their_first_file():
    paths = ["project/serve/__init__.py", "project/addons/teach/__init__.py", "project/ingest/__init__.py"]
    assert rooms_of(paths) == {"serve": "serve", "teach": "addons/teach"}


def test_commands_of_a_room_go_with_it():
    files = {"project/addons/teach/__init__.py": 'COMMANDS = {"ask": "project.addons.teach.ask:ask"}\n'}
    assert gone({"teach"}, files).commands == {"ask"}


def test_the_folder_of_add_ons_goes_with_the_last_one():
    assert gone({"teach"}, {"project/addons/teach/__init__.py": ""}).has("addons")


@pytest.mark.parametrize(
    "text",
    [
        "see `project/addons/teach`",
        "from project.addons.teach.command import teach",
        "run `sentiment ask`",
        "after `make setup EXTRAS=teach`",
        "see [Teaching](docs/teaching.md#ask)",
        "`template/README.md`",
    ],
)
def test_a_text_that_names_a_room(text):
    assert TEACH.names(text)


@pytest.mark.parametrize("text", ["`project/addons/report`", "`sentiment fit`", "EXTRAS=report,teach", "to teach"])
def test_a_text_that_names_none(text):
    assert not TEACH.names(text)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("project/addons/teach/ask.py", ""),
        ("tests/addons/teach/test_ask.py", ""),
        ("template/tree.py", ""),
        ("tests/template/test_rooms.py", ""),
        ("benchmarks/labels.py", "# needs project/addons/teach\n"),
        ("docs/teaching.md", "<!-- needs project/addons/teach -->\n# Teaching\n"),
    ],
)
def test_a_file_that_goes(path, text):
    assert goes(path, text, TEACH)


@pytest.mark.parametrize("path", ["project/addons/teacher.py", "project/addons/report/teach.py", "tests/templates.py"])
def test_a_file_that_stays(path):
    assert not goes(path, "", TEACH)


def test_marked_lines_go():
    text = "a\n# needs project/addons/teach\nb\nc\n\nd # needs project/addons/teach\ne # needs project/serve\n"
    assert without_marked(text, TEACH) == "a\n\ne # needs project/serve\n"


def test_targets_go_from_the_makefile():
    text = (
        ".PHONY: help ask \\\n\tsetup\nhelp:\n\techo EXTRAS=teach,report\n\n"
        "# needs project/addons/teach\nask: help\n\techo\n\nsetup:\n"
    )
    assert makefile(text, TEACH) == ".PHONY: help setup\nhelp:\n\techo EXTRAS=report\n\nsetup:\n"


def test_an_example_of_extras_that_are_all_gone_names_another():
    assert makefile("setup: ## EXTRAS=teach too\n", TEACH) == "setup: ## EXTRAS=bench too\n"


PYPROJECT = """\
version = "3.1.4"
teach = [
    "transformers>=5", # teachers
]
dev = [
    "project[report,teach]", # tests
]
bench = [
    "project[teach]", # rivals
    "aiohttp", # clients
]
"project.addons.teach" = ["page.html"]
files = ["project", "tests", "template"]
"""


def test_extras_go_from_pyproject():
    assert pyproject(PYPROJECT, TEACH) == (
        'version = "0.1.0"\ndev = [\n    "project[report]", # tests\n]\nbench = [\n    "aiohttp", # clients\n]\n'
        'files = ["project", "tests"]\n'
    )
