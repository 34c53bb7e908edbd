"""`make init` as its user runs it, on a small tree."""

import os
import pty
import subprocess
import sys

import pytest

from tests.template.conftest import contents, git

NAME = ("--name", "acme_reviews")

pytestmark = pytest.mark.slow  # each is a process, with git


def test_it_is_the_users_repository_afterwards(tree, init):
    done = init(tree, *NAME, "--keep", "export serve")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("the changes are staged: git commit\nthis is acme_reviews now, without baselines ")
    assert sorted(path.name for path in (tree / "acme_reviews").iterdir()) == [
        "__init__.py",
        "errors.py",
        "export",
        "ingest",
        "packed_rnn",
        "serve",
    ]


def test_it_removes_itself(tree, init):
    init(tree, *NAME)
    assert not (tree / "template").exists()
    assert "init" not in subprocess.run(["make", "help"], cwd=tree, capture_output=True, text=True).stdout


def test_make_passes_on_what_it_was_given(tree):
    words = ["make", "--silent", "init", f"PYTHON={sys.executable}", "NAME=acme", "TITLE=Acme's $$1", "KEEP=none"]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PYTHON"))}
    subprocess.run(words, cwd=tree, check=True, env=env, capture_output=True)
    assert (tree / "README.md").read_text().startswith("# Acme's $1\n")


def test_a_variable_that_only_the_environment_has_is_not_a_name(tree):
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PYTHON"))}
    words = ["make", "--silent", "init", f"PYTHON={sys.executable}"]
    done = subprocess.run(words, cwd=tree, env=env | {"NAME": "host"}, capture_output=True, text=True)
    assert done.stderr.startswith("error: NAME is missing: ")


def test_without_a_terminal_a_missing_name_is_one_line(tree, init):
    done = init(tree)
    assert done.returncode == 2
    assert (
        done.stderr
        == "error: NAME is missing: make init NAME=acme_reviews, or python -m template --name acme_reviews\n"
    )


def test_on_a_terminal_it_asks_for_what_is_missing(tree):
    ours, theirs = pty.openpty()
    os.write(ours, b"acme\n\nFilms of mine\nnone\n")
    words = [sys.executable, "-m", "template"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    assert subprocess.run(words, cwd=tree, env=env, stdin=theirs, stdout=theirs, stderr=theirs).returncode == 0
    assert (tree / "README.md").read_text().startswith("# Films of mine\n")
    assert not (tree / "acme" / "serve").exists()


def test_an_answer_that_never_comes_changes_nothing(tree):
    ours, theirs = pty.openpty()
    os.write(ours, b"\x04")
    before = contents(tree)
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    words = [sys.executable, "-m", "template"]
    assert subprocess.run(words, cwd=tree, env=env, stdin=theirs, stdout=theirs, stderr=theirs).returncode == 130
    assert contents(tree) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--name", "class"], "error: NAME=class is a word of Python: take another\n"),
        ([*NAME, "--keep", "serve"], "error: serve needs export: keep both, or drop serve too\n"),
        ([*NAME, "--git", "new"], "error: GIT=new: choose keep or fresh\n"),
    ],
)
def test_a_mistake_changes_nothing(tree, init, words, message):
    before = contents(tree)
    done = init(tree, *words)
    assert (done.returncode, done.stderr) == (2, message)
    assert contents(tree) == before


def test_a_file_that_cannot_be_read_is_named(archive, init):
    (archive / "project" / "errors.py").write_text("class Mine\n")
    done = init(archive, *NAME)
    assert done.stderr == "error: project/errors.py:1: expected ':': correct it first\n"


def test_a_tree_without_its_makefile_is_refused(archive, init):
    (archive / "Makefile").unlink()
    assert init(archive, *NAME).stderr.startswith("error: Makefile is missing: ")


def test_a_repository_without_a_commit_will_do(archive, init):
    git(archive, "init", "-q")
    assert init(archive, *NAME).returncode == 0


def test_line_ends_of_windows_stay(archive, init):
    (archive / "LICENSE").write_bytes(b"MIT\r\n\r\nCopyright (c) 2026 B\r\n")
    init(archive, *NAME, "--author", "A")
    assert (archive / "LICENSE").read_bytes().endswith(b" A\r\nCopyright (c) 2026 B\r\n")


def test_changes_that_are_not_committed_are_refused(tree, init):
    (tree / "LICENSE").write_text("mine")
    assert init(tree, *NAME).stderr == "error: LICENSE has changes that are not committed: commit or stash them first\n"


def test_a_file_that_git_does_not_have_stays(tree, init):
    (tree / "runs").mkdir()
    (tree / "runs" / "best.ckpt").write_text("weights")
    init(tree, *NAME)
    assert (tree / "runs" / "best.ckpt").read_text() == "weights"


def test_the_old_name_is_uninstalled(tree, init):
    python = tree / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho "$@" >> {tree.parent}/asked\n')
    python.chmod(0o755)
    init(tree, *NAME)
    assert (tree.parent / "asked").read_text() == "-m pip uninstall --quiet --yes project\n"


def test_the_history_stays(tree, init):
    init(tree, *NAME)
    assert git(tree, "log", "--format=%s") == "A template\n"
    assert git(tree, "diff", "--name-only") == ""


def test_a_fresh_history_keeps_the_old_one_as_a_branch(tree, init):
    own = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@b"}
    init(tree, *NAME, "--git", "fresh", **own)
    assert git(tree, "log", "--format=%s", "main") == "Start acme_reviews\n"
    assert git(tree, "log", "--format=%s", "template") == "A template\n"
    assert git(tree, "status", "--porcelain") == ""


def test_a_fresh_history_needs_an_author(tree, init):
    assert init(tree, *NAME, "--git", "fresh").stderr.startswith("error: GIT=fresh needs an author: ")


def test_an_archive_without_git_will_do(archive, init):
    (archive / "runs").mkdir()
    (archive / "runs" / "metrics.csv").write_text("sentiment")
    done = init(archive, *NAME)
    assert (done.returncode, done.stderr) == (0, "")
    assert (archive / "acme_reviews" / "errors.py").is_file()
    assert (archive / "runs" / "metrics.csv").read_text() == "sentiment"


def test_of_an_archive_all_rooms_are_taken_along(archive, init):
    init(archive, *NAME)
    assert (archive / "acme_reviews" / "addons" / "wandb" / "__init__.py").is_file()  # .gitignore has /wandb/
    assert not (archive / "project").exists()


def test_an_archive_inside_of_another_repository_is_not_taken_for_it(archive, init):
    git(archive.parent, "init", "-q")
    init(archive, *NAME)
    assert git(archive.parent, "status", "--porcelain") == "?? tree/\n"


def test_an_interrupted_run_is_finished_by_the_same_command(tree, init):
    program = "from template import swap, __main__ as it; swap.put = lambda *_: __import__('os')._exit(9); it.main(%r)"
    assert subprocess.run([sys.executable, "-c", program % [*NAME]], cwd=tree, capture_output=True).returncode == 9
    assert (tree / ".init" / "plan.json").is_file()
    done = init(tree, *NAME)
    assert done.stdout.endswith("go on with make format, then make train\n")
    assert (tree / "acme_reviews").is_dir()
    assert not (tree / ".init").exists()


def test_make_init_is_there_until_nothing_is_left_to_do(tree):
    program = """
import os
from template import swap, __main__ as it
put = swap.put
swap.put = lambda source, target: os._exit(9) if target.name == "Makefile" else put(source, target)
it.main(["--name", "acme"])
"""
    assert subprocess.run([sys.executable, "-c", program], cwd=tree, capture_output=True).returncode == 9
    assert not (tree / "template").exists()
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PYTHON"))}
    words = ["make", "--silent", "init", f"PYTHON={sys.executable}", "NAME=acme"]
    subprocess.run(words, cwd=tree, env=env, check=True, capture_output=True)
    assert "init" not in (tree / "Makefile").read_text().split("check-python")[0]
    assert not (tree / ".init").exists()


def test_version_and_results_begin_anew(tree, init):
    init(tree, *NAME)
    assert (tree / "docs" / "results.md").read_text().splitlines()[0] == "# Results"
    assert len((tree / "docs" / "log.md").read_text()) < 80


def test_the_author_stands_in_the_licence_before_those_of_the_template(tree, init):
    init(tree, *NAME, "--author", "A. Nonymous")
    lines = (tree / "LICENSE").read_text().splitlines()
    assert lines[2].endswith(" A. Nonymous")
    assert lines[3] == "Copyright (c) 2026 the contributors of this repository"
