import json
import sys
from pathlib import Path
from typing import Any

from project.addons.results.callback import peak_mb

QUIET = ("--trainer.enable_progress_bar=false", "--trainer.accelerator=cpu")


def results(run: Path | str) -> dict[str, Any]:
    return json.loads((Path(run) / "results.json").read_text())


def test_a_fit_writes_the_figures_of_its_test(fitted):
    found = results(fitted)
    assert (found["stage"], found["confusion_matrix"]["labels"]) == ("fit", ["negative", "positive"])
    assert sum(map(sum, found["confusion_matrix"]["counts"])) == len(found["right"]) == 10
    assert found["metrics"]["test/accuracy"] * 10 == sum(found["right"])


def test_processes_without_a_count_of_memory_do_without(monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)  # as on Windows
    assert peak_mb() is None
