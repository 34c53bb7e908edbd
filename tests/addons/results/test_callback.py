import csv
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from project.addons.results.callback import git_commit, peak_mb
from project.registry import registered
from tests.conftest import QUIET, SMALL, toy_rows, write_csv


def results(run: Path | str) -> dict[str, Any]:
    return json.loads((Path(run) / "results.json").read_text())


def test_a_fit_writes_the_figures_of_its_test(fitted):
    found = results(fitted)
    assert (found["stage"], found["confusion_matrix"]["labels"]) == ("fit", ["negative", "positive"])
    assert sum(map(sum, found["confusion_matrix"]["counts"])) == len(found["right"]) == 10
    assert found["metrics"]["test/accuracy"] * 10 == sum(found["right"])


def test_a_fit_ends_with_the_best_checkpoint_and_commands_to_copy(fitted_once):
    out = (fitted_once / "printed.txt").read_text()
    assert "best checkpoint: runs/version_0/checkpoints/best.ckpt" in out
    if "classify" in registered("COMMANDS"):
        assert re.search(r"classify --ckpt_path runs/version_0/checkpoints/best.ckpt", out)
    assert re.search(r"fit --ckpt_path runs/version_0/checkpoints/last.ckpt --trainer.max_epochs 4", out)


@pytest.mark.usefixtures("one_callback")
@pytest.mark.filterwarnings("ignore:.*val/accuracy.*", "ignore:No (nega|posi)tive samples")  # one batch
def test_run_that_ends_before_its_first_val_says_so(sentiment, toy, capsys):
    assert sentiment("fit", f"--data.corpus={toy}", "--trainer.max_steps=1", *SMALL) == 0
    assert "no checkpoint was written" in capsys.readouterr().out


@pytest.mark.slow
def test_a_fit_without_a_test_leaves_the_figures_of_val(sentiment, toy):
    words = ("--test_after_fit=false", "--trainer.max_epochs=1")
    assert sentiment("fit", f"--data.corpus={toy}", *words, *SMALL) == 0
    found = results("runs/version_0")
    assert {name.split("/")[0] for name in found["metrics"]} == {"val"}
    assert found["checkpoint"].endswith("best.ckpt")
    assert "right" not in found


def rows_of(run: Path | str) -> list[dict[str, str]]:
    with (Path(run) / "test.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_text_of_the_test_is_told_with_file_and_line(fitted, toy):
    found, rows = results(fitted), rows_of(fitted)
    assert found["places"] == [f"{toy / 'test.csv'}:{line}" for line in range(2, 12)]
    assert [f"{row['file']}:{row['line']}" for row in rows] == found["places"]
    assert [int(row["right"]) for row in rows] == found["right"]
    assert [(row["text"], row["label"]) for row in rows] == toy_rows()[50:]
    assert all((row["predicted"] == row["label"]) == (row["right"] == "1") for row in rows)


@pytest.mark.slow
def test_the_rows_of_a_carved_split_are_those_of_the_file(sentiment):
    write_csv(Path("rows.csv"), toy_rows())
    assert sentiment("fit", "--data.corpus=rows.csv", "--trainer.max_epochs=1", *SMALL) == 0
    rows = rows_of("runs/version_0")
    assert len(rows) == 6
    assert [toy_rows()[int(row["line"]) - 2] for row in rows] == [(row["text"], row["label"]) for row in rows]


def test_a_limited_test_holds_what_was_measured(sentiment, fitted, toy):
    words = (f"--ckpt_path={fitted / 'checkpoints' / 'best.ckpt'}", f"--data.corpus={toy}", "--data.batch_size=4")
    assert sentiment("test", *words, "--trainer.limit_test_batches=1", *QUIET) == 0
    found = results("runs/version_1")
    assert (len(found["right"]), len(found["places"]), found["texts"], len(rows_of("runs/version_1"))) == (4, 4, 10, 4)


def test_a_fit_records_configuration_commit_and_data(fitted, toy):
    facts = yaml.safe_load((fitted / "hparams.yaml").read_text())
    assert facts["config"]["data"]["corpus"] == str(toy)
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?", facts["git_commit"])
    assert facts["data_fingerprint"] == results(fitted)["fingerprint"]


def test_commit_outside_git_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    assert git_commit() is None


def test_processes_without_a_count_of_memory_do_without(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    assert peak_mb() is None
