import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

from project.addons.results.callback import git_commit, peak_mb

QUIET = ("--trainer.enable_progress_bar=false", "--trainer.accelerator=cpu")


def results(run: Path | str) -> dict[str, Any]:
    return json.loads((Path(run) / "results.json").read_text())


def test_a_fit_writes_the_figures_of_its_test(fitted):
    found = results(fitted)
    assert (found["stage"], found["confusion_matrix"]["labels"]) == ("fit", ["negative", "positive"])
    assert sum(map(sum, found["confusion_matrix"]["counts"])) == len(found["right"]) == 10
    assert found["metrics"]["test/accuracy"] * 10 == sum(found["right"])


def test_a_fit_records_configuration_commit_and_data(fitted, toy):
    facts = yaml.safe_load((fitted / "hparams.yaml").read_text())
    assert facts["config"]["data"]["corpus"] == str(toy)
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?", facts["git_commit"])
    assert facts["data_fingerprint"] == results(fitted)["fingerprint"]


def test_commit_outside_git_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    assert git_commit() is None


def test_processes_without_a_count_of_memory_do_without(monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)  # as on Windows
    assert peak_mb() is None
