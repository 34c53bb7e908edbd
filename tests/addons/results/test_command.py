import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from project.addons.results.command import bootstrap, counts, difference, sections


def baseline(name: str, val: float, right: list[int]) -> dict[str, Any]:
    return {"name": name, "val/accuracy": val, "test/accuracy": 0.5, "test/f1": 0.4, "seconds": 2, "right": right}


BASELINES = {
    "corpus": "toy",
    "fingerprint": "f" * 64,
    "test_fingerprint": "7" * 64,
    "baselines": [baseline("TF-IDF", 0.9, [1, 0, 1, 0]), baseline("NB-SVM", 0.8, [1, 1, 1, 1])],
}


def fit(seed: int, right: list[int], train: str = "f", test: str = "7") -> dict[str, Any]:
    return {
        "corpus": "toy",
        "fingerprint": train * 64,
        "test_fingerprint": test * 64,
        "command": f"sentiment fit --config configs/default.yaml --seed_everything={seed}",
        "stage": "fit",
        "network": "SentimentNetwork",
        "seed": seed,
        "metrics": {"test/accuracy": sum(right) / len(right), "test/f1": 0.5},
        "fit_seconds": 40.0,
        "peak_mb": 500.0,
        "right": right,
    }


def test_runs_that_differ_only_in_their_seed_share_a_row():
    (table,) = sections([fit(1, [1, 1, 1, 0]), fit(2, [1, 1, 0, 0])], [BASELINES])
    (row,) = [line for line in table.splitlines() if "sentiment fit" in line]
    assert row.startswith(
        "| `sentiment fit --config configs/default.yaml` | 1, 2 | 0.625 (0.177) | 0.500 (0.000) | 40 | 500 |"
    )


def test_an_ensemble_is_marked_and_has_no_fit_time():
    tested = fit(1, [1, 1, 1, 0]) | {"stage": "test", "network": "Ensemble", "fit_seconds": None}
    (table,) = sections([tested | {"command": "sentiment test --ckpt_path all.ckpt"}], [BASELINES])
    assert "| `sentiment test --ckpt_path all.ckpt` | ensemble | 0.750 | 0.500 |  | 500 | +0.250" in table


@pytest.mark.parametrize(
    ("stage", "network", "on_the_page"),
    [("fit", "SentimentNetwork", True), ("test", "SentimentNetwork", False), ("test", "Ensemble", True)],
)
def test_only_fits_and_tests_of_ensembles_are_on_the_page(stage, network, on_the_page):
    assert counts({"stage": stage, "network": network}) == on_the_page


def test_models_are_compared_with_the_baseline_that_is_best_on_val():
    (table,) = sections([fit(1, [1, 1, 1, 0])], [BASELINES])
    assert "| +0.250 [+0.000, +0.750] |" in table


def test_a_run_that_measured_a_part_is_marked_and_not_compared():
    part = fit(2, [1, 0]) | {"texts": 4}
    (table,) = sections([fit(1, [1, 1, 1, 0]), part], [BASELINES])
    (marked,) = [line for line in table.splitlines() if "(of 2 of the texts)" in line]
    assert marked.endswith("|  |")
    assert "## toy: 4 texts" in table


def test_each_test_split_has_its_own_table():
    tables = sections([fit(1, [1]), fit(1, [1], test="8")], [])
    assert [table.count("sentiment fit") for table in tables] == [1, 1]


def test_each_train_split_has_its_own_row():
    (table,) = sections([fit(1, [1, 0]), fit(2, [1, 0]), fit(1, [1, 1], train="e")], [])
    assert [line.split(" | ")[1] for line in table.splitlines() if "sentiment fit" in line] == ["1", "1, 2"]


def test_the_interval_of_equal_answers_is_zero():
    assert difference([[1, 0, 1]], [1, 0, 1]) == "+0.000 [+0.000, +0.000]"


def test_the_interval_matches_the_standard_error():
    values = np.array([0.0, 1.0] * 200)
    low, high = bootstrap(values)
    error = 1.96 * 0.5 / np.sqrt(400)
    assert abs(low - (0.5 - error)) < 0.005
    assert abs(high - (0.5 + error)) < 0.005


def test_baselines_and_runs_are_collected_into_one_page(sentiment, fitted):
    (fitted.parent / "baselines").mkdir()
    (fitted.parent / "baselines" / "toy.json").write_text(json.dumps(toy_baselines(fitted)))
    assert sentiment("results") == 0
    page = Path("results.md").read_text()
    assert page.count("(baseline)") == 2
    assert len(re.findall(r"^\| `sentiment fit .*\| 42 \|", page, re.MULTILINE)) == 1
    assert "10 texts" in page


def toy_baselines(run: Path) -> dict[str, Any]:
    """What `sentiment baselines` would write for the corpus of a run."""
    facts = json.loads((run / "results.json").read_text())
    same = {key: facts[key] for key in ("corpus", "fingerprint", "test_fingerprint")}
    return same | {"baselines": [baseline("TF-IDF", 0.9, [1, 0] * 5), baseline("NB-SVM", 0.8, [1] * 10)]}


def test_results_without_a_run_is_a_one_line_error(sentiment, capsys):
    assert sentiment("results") == 2
    assert "runs has no results.json: `make train` writes one" in capsys.readouterr().err
