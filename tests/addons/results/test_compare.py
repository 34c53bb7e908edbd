import csv
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import toy_rows, write_csv

ANSWER = {1: "good", 0: "bad", None: ""}


def run(name: str, right: Sequence[int | None], text: str = "A film", fingerprint: str = "7") -> str:
    """The folder of a run with these answers to as many texts, which are all good."""
    folder = Path(name)
    folder.mkdir()
    (folder / "results.json").write_text(json.dumps({"test_fingerprint": fingerprint * 64, "right": right}))
    with (folder / "test.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label", "right", "predicted"])
        writer.writerows([f"{text} {row}", "good", each, ANSWER[each]] for row, each in enumerate(right))
    return name


@pytest.fixture
def figures(sentiment):
    """Run compare; return what it writes."""

    def compared(*words: Any) -> dict[str, Any]:
        assert sentiment("compare", *words, "--json=out.json", "--overwrite") == 0
        return json.loads(Path("out.json").read_text())

    return compared


def test_a_planted_gap_of_three_points_is_found(figures):
    # 80 % and 83 % of 2,000 texts, whose errors have nothing to do with each other
    a = [1] * 1600 + [0] * 400
    b = [1] * 1328 + [0] * 272 + [1] * 332 + [0] * 68
    (pair,) = figures(run("a", a), run("b", b))["pairs"]
    assert (len(pair["lost"]), len(pair["won"])) == (272, 332)
    assert pair["gain"] == pytest.approx(0.03)
    assert pair["p"] == pytest.approx(0.016294, abs=1e-6)
    assert pair["interval"] == pytest.approx([0.006, 0.054], abs=0.002)
    assert pair["verdict"] == "B is better"


def test_small_change_is_no_difference(figures):
    (pair,) = figures(run("a", [1, 1, 0, 0]), run("b", [1, 0, 1, 1]))["pairs"]
    assert (pair["p"], pair["verdict"]) == (1.0, "no difference shown")


def test_several_pairs_are_corrected(figures):
    names = run("a", [0] * 7 + [1]), run("b", [1] * 7 + [0]), run("c", [1] * 8)
    pairs = {pair["a"] + pair["b"]: pair for pair in figures(*names)["pairs"]}
    assert {name: pair["p"] for name, pair in pairs.items()} == {
        "AB": pytest.approx(18 / 256),
        "AC": pytest.approx(2 / 128),
        "BC": 1.0,
    }
    assert {name: pair["p_holm"] for name, pair in pairs.items()} == {
        "AB": pytest.approx(36 / 256),
        "AC": pytest.approx(6 / 128),
        "BC": 1.0,
    }
    assert pairs["AC"]["verdict"] == "C is better"


def test_texts_without_an_answer_are_not_right_and_counted(figures):
    (model, _) = figures(run("a", [1, None, None, 0]), run("b", [1, 1, 1, 1]))["models"]
    assert (model["accuracy"], model["right"], model["unanswered"]) == (0.25, 1, 2)


def test_majority_is_the_most_common_label_of_the_test_texts(figures, capsys):
    models = figures(run("a", [0, 1]), "majority")["models"]
    assert (models[1]["name"], models[1]["accuracy"]) == (
        "majority: good, the most common label of the test texts",
        1.0,
    )


def test_slice_in_which_a_pair_differs_is_marked(figures):
    a, b = run("a", [0] * 12), run("b", [1] * 12)
    (slice_,) = [each for each in figures(a, b)["slices"] if each["name"] == "truly good"]
    assert (slice_["texts"], slice_["accuracy"], slice_["different"]) == (12, {"A": 0.0, "B": 1.0}, ["A < B"])


def test_texts_are_cut_to_the_terminal_and_no_markup(sentiment, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    names = [run(name, right, f"[bold]So\x1b[31m {'long ' * 40}") for name, right in (("a", [1, 0]), ("b", [0, 1]))]
    assert sentiment("compare", *names) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert "good  good  bad   [bold]So [31m long long" in out
    assert "\x1b" not in out


@pytest.mark.parametrize(("examples", "shown"), [(0, 0), (2, 4), (9, 8)])
def test_so_many_changed_texts_of_each_kind_are_shown(sentiment, capsys, examples, shown):
    names = run("a", [1] * 4 + [0] * 4), run("b", [0] * 4 + [1] * 4)
    assert sentiment("compare", *names, f"--examples={examples}") == 0
    assert len(re.findall(r"A film \d", capsys.readouterr().out)) == shown


def test_a_checkpoint_answers_as_its_run_did(figures, fitted):
    found = figures(fitted, fitted / "checkpoints" / "best.ckpt", "majority")
    assert (found["pairs"][0]["lost"], found["pairs"][0]["won"]) == ([], [])
    assert found["models"][0]["accuracy"] == found["models"][1]["accuracy"]
    assert found["models"][2]["name"].endswith("the most common label of train")


def test_a_file_that_no_checkpoint_was_trained_on_is_taken_whole(figures, fitted):
    write_csv(Path("other.csv"), toy_rows()[:30])
    found = figures(fitted / "checkpoints" / "best.ckpt", "majority", "--corpus=other.csv")
    assert [model["texts"] for model in found["models"]] == [30, 30]


def test_checkpoints_with_other_labels_are_refused(sentiment, fitted, capsys):
    from project.checkpoint import KEY, read_checkpoint, save_plain

    checkpoint = read_checkpoint(fitted / "checkpoints" / "best.ckpt")
    checkpoint[KEY]["label_names"] = ["no", "yes"]
    save_plain(checkpoint, Path("other.ckpt"))
    assert sentiment("compare", fitted / "checkpoints" / "best.ckpt", "other.ckpt") == 2
    assert "other.ckpt has other labels than negative, positive" in capsys.readouterr().err


def test_models_of_other_texts_are_not_compared(sentiment, capsys):
    assert sentiment("compare", run("a", [1, 0]), run("b", [1, 0], fingerprint="8")) == 2
    assert capsys.readouterr().err == (
        "error: a and b were not measured on the same texts and labels: test them on the same corpus\n"
    )


def test_models_of_other_parts_of_the_texts_are_not_compared(sentiment, capsys):
    assert sentiment("compare", run("a", [1, 0]), run("b", [1])) == 2
    assert "not measured on the same texts" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a"], "give 2 to 26 different models"),
        (["a", "a"], "give 2 to 26 different models"),
        (["a", "empty"], "empty: results.json and test.csv cannot be used"),
        (["a", "mixed"], "mixed: results.json and test.csv cannot be used (they come from different tests)"),
        (["a", "no.ckpt"], "checkpoint no.ckpt does not exist"),
        (["a", "majority", "--json=there.json"], "--json there.json exists already"),
    ],
)
def test_mistakes_are_one_line(sentiment, capsys, words, message):
    run("a", [1, 0])
    Path("empty").mkdir()
    (Path(run("mixed", [1, 0])) / "results.json").write_text('{"test_fingerprint": "7", "right": [1, 1]}')
    Path("there.json").touch()
    assert sentiment("compare", *words) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
