from typing import Any

import numpy as np

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
        "seed": seed,
        "metrics": {"test/accuracy": sum(right) / len(right), "test/f1": 0.5},
        "fit_seconds": 40.0,
        "peak_mb": 500.0,
        "right": right,
    }


def test_runs_that_differ_in_their_seed_are_one_row():
    (table,) = sections([fit(1, [1, 1, 1, 0]), fit(2, [1, 1, 0, 0])], [BASELINES])
    (row,) = [line for line in table.splitlines() if "sentiment fit" in line]
    assert row.startswith(
        "| `sentiment fit --config configs/default.yaml` | 1, 2 | 0.625 (0.177) | 0.500 (0.000) | 40 | 500 |"
    )


def test_an_ensemble_says_how_many_networks_it_is_of():
    tested = {
        **fit(1, [1, 1, 1, 0]),
        "command": "sentiment test --ckpt_path all.ckpt",
        "members": 3,
        "fit_seconds": None,
    }
    (table,) = sections([tested], [BASELINES])
    assert "| `sentiment test --ckpt_path all.ckpt` | 3 networks | 0.750 | 0.500 |  | 500 | +0.250" in table


def test_a_test_of_one_network_repeats_what_its_fit_says():
    commands = [
        ("sentiment fit", 1),
        ("sentiment test --ckpt_path a.ckpt", 1),
        ("sentiment test --ckpt_path b.ckpt", 2),
    ]
    assert [counts({"command": command, "members": members}) for command, members in commands] == [True, False, True]


def test_difference_is_to_the_baseline_that_is_best_on_val():
    (table,) = sections([fit(1, [1, 1, 1, 0])], [BASELINES])
    assert "| +0.250 [+0.000, +0.750] |" in table


def test_another_test_split_is_another_table():
    tables = sections([fit(1, [1]), fit(1, [1], test="8")], [])
    assert [table.count("sentiment fit") for table in tables] == [1, 1]


def test_another_train_split_is_another_row():
    (table,) = sections([fit(1, [1, 0]), fit(2, [1, 0]), fit(1, [1, 1], train="e")], [])
    assert [line.split(" | ")[1] for line in table.splitlines() if "sentiment fit" in line] == ["1", "1, 2"]


def test_interval_of_equal_answers_is_zero():
    assert difference([[1, 0, 1]], [1, 0, 1]) == "+0.000 [+0.000, +0.000]"


def test_interval_is_that_of_the_standard_error():
    values = np.array([0.0, 1.0] * 200)
    low, high = bootstrap(values)
    error = 1.96 * 0.5 / np.sqrt(400)
    assert abs(low - (0.5 - error)) < 0.005
    assert abs(high - (0.5 + error)) < 0.005
