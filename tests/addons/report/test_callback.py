import json
import os
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import pytest
import yaml

from project.registry import registered
from tests.conftest import PLAIN, write_csv

QUIET = ("--trainer.enable_progress_bar=false", "--trainer.accelerator=cpu")
TITLES = (
    "Classes of the test split",
    "Confusion matrix of the test split",
    "The most confident errors, and right answers",
)


SHOWS_RESULTS = pytest.mark.skipif(
    "results" not in registered("CALLBACKS"), reason="the report shows what project/addons/results writes"
)


@pytest.fixture
def best(fitted) -> str:
    return f"--ckpt_path={fitted / 'checkpoints' / 'best.ckpt'}"


@SHOWS_RESULTS
def test_a_fit_ends_with_tables_and_the_report(fitted_once):
    out = (fitted_once / "printed.txt").read_text()
    assert [title for title in TITLES if title not in out] == []
    assert "report: runs/version_0/report.html" in out


@SHOWS_RESULTS
def test_the_report_comes_before_what_can_be_done_with_the_model(fitted_once):
    out = (fitted_once / "printed.txt").read_text()
    assert out.index(TITLES[2]) < out.index("report:") < out.index("next steps:")


@SHOWS_RESULTS
def test_a_test_writes_a_report_into_its_own_folder(sentiment, best, toy, capsys):
    assert sentiment("test", best, f"--data.corpus={toy}", *QUIET) == 0
    out = capsys.readouterr().out
    assert [title for title in TITLES if title not in out] == []
    page = Path("runs/version_1/report.html").read_text()
    assert "Loss by epoch" in page  # of the fit that wrote the checkpoint


@pytest.mark.parametrize("word", ["--without=report", pytest.param("--report=false", marks=pytest.mark.slow)])
def test_it_can_be_left_out(sentiment, best, toy, capsys, word):
    assert sentiment("test", best, f"--data.corpus={toy}", word, *QUIET) == 0
    assert TITLES[0] not in capsys.readouterr().out
    assert not list(Path("runs/version_1").glob("*.png"))
    assert not list(Path("runs/version_1").glob("*.html"))


@pytest.mark.slow
def test_without_the_results_there_are_tables_and_no_report(sentiment, best, toy, capsys):
    assert sentiment("test", best, f"--data.corpus={toy}", "--without=results", *QUIET) == 0
    assert TITLES[0] in capsys.readouterr().out
    assert not Path("runs/version_1/report.html").exists()


@pytest.mark.usefixtures("one_callback")
def test_without_its_package_the_extra_is_named_in_one_line(sentiment, toy, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    for name in [name for name in sys.modules if name.startswith("project.addons.report.")]:
        monkeypatch.delitem(sys.modules, name)
    assert sentiment("fit", f"--data.corpus={toy}", *PLAIN) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error == "error: sentiment fit needs matplotlib.figure: pip install -e '.[report]'"


def test_the_picture_is_in_the_folder_of_the_run(fitted):
    assert matplotlib.image.imread(fitted / "confusion_matrix.png").ndim == 3


def test_a_fit_records_machine_and_speed(fitted):
    found = yaml.safe_load((fitted / "hparams.yaml").read_text())["machine"]
    assert found["processor"]
    assert found["cores"] >= 1
    assert found["tokens_per_second"] > 0


@SHOWS_RESULTS
@pytest.mark.slow
def test_texts_and_labels_are_shown_as_they_are(sentiment, capsys):
    rows = [(f"[b]The {n} film[/b] [/url] $$ {{0}} is " + "very " * 30 + "long.", "[/good]") for n in range(12)]
    write_csv(Path("rows.csv"), [*rows, *((f"A dull plot {n} :smile: <i>x</i>", "$$<b>") for n in range(12))])
    assert sentiment("fit", "--data.corpus=rows.csv", "--trainer.max_epochs=1", *PLAIN) == 0
    out = capsys.readouterr().out
    assert "[/good]" in out
    assert "$$<b>" in out
    page = Path("runs/version_0/report.html").read_text()
    assert "$$&lt;b&gt;" in page
    assert "$$<b>" not in page
    assert "<i>x</i>" not in page


@SHOWS_RESULTS
@pytest.mark.slow
def test_two_processes_write_one_report_of_all_texts(sentiment, best, toy, tmp_path):
    words = (best, f"--data.corpus={toy}", "--trainer.devices=2", "--trainer.strategy=ddp", *QUIET)
    subprocess.run([sys.executable, "-m", "project", "test", *words], cwd=tmp_path, check=True, capture_output=True)
    page = Path("runs/version_1/report.html").read_text()
    assert "<dt>Test texts</dt><dd>10</dd>" in page
    assert ", 2 processes</dd>" in page


@SHOWS_RESULTS
@pytest.mark.slow
@pytest.mark.skipif("wandb" not in registered("CALLBACKS"), reason="project/addons/wandb brings the logger")
def test_report_picture_and_table_are_logged_to_wandb(toy, tmp_path):
    env = os.environ | {"WANDB_MODE": "offline", "WANDB_SILENT": "true"}
    words = ("fit", f"--data.corpus={toy}", "--trainer.max_epochs=1", *PLAIN)
    subprocess.run([sys.executable, "-m", "project", *words], cwd=tmp_path, env=env, check=True, capture_output=True)
    (media,) = tmp_path.glob("runs/wandb/offline-run-*/files/media")
    (page,) = media.glob("html/test/report_*.html")
    assert page.read_text() == (tmp_path / "runs" / "version_0" / "report.html").read_text()
    assert len(list(media.glob("images/test/confusion_matrix_*.png"))) == 1
    (table,) = media.glob("table/test/confusions_*.table.json")
    assert json.loads(table.read_text())["columns"] == ["true", "negative", "positive"]
