import csv
import json
from pathlib import Path

import pytest

from project import load
from project.checkpoint import KEY, read_checkpoint
from tests.addons.multilabel.conftest import ANY, rows, write_jsonl
from tests.conftest import PLAIN, QUIET, test_figures


def answers(path: Path) -> list[str]:
    with path.open(newline="") as file:
        return [row["predicted"] for row in csv.DictReader(file)]


def test_sets_are_learned(trained):
    figures = test_figures(trained)
    assert figures["test/accuracy"] > 0.9
    assert figures["test/f1"] > 0.95


def test_an_answer_may_hold_none_or_several(best):
    none, two = load(best)(["No words.", "The soup was warm and The waiter was kind."])
    assert (none.label, two.label) == ("", "food|service")
    assert two.labels == ("food", "service")


def test_results_say_the_same_as_the_model(trained, best):
    with (trained / "test.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["predicted"] for row in rows] == [answer.label for answer in load(best)([row["text"] for row in rows])]


def test_results_count_each_label(trained):
    counts = json.loads((trained / "results.json").read_text())["confusion_matrix"]
    with (trained / "test.csv").open(newline="") as file:
        true = [row["label"].split("|") for row in csv.DictReader(file)]
    assert counts["labels"] == ["food", "price", "service"]
    assert counts["support"] == [sum(name in own for own in true) for name in counts["labels"]]


def test_a_second_test_of_the_checkpoint_finds_the_same(sentiment, best, trained, tmp_path):
    assert sentiment("test", f"--ckpt_path={best}", *QUIET) == 0
    assert test_figures(tmp_path / "runs" / "version_0") == test_figures(trained)


def test_predictions_of_a_file_are_those_of_the_model(sentiment, best, tmp_path):
    texts = ["The soup was warm.", "It cost too much and The waiter was kind.", "No words."]
    write_jsonl(tmp_path / "new.jsonl", [{"text": text} for text in texts])
    assert sentiment("predict", f"--ckpt_path={best}", "--data.corpus=new.jsonl", "--output=out.csv", *QUIET) == 0
    assert answers(tmp_path / "out.csv") == ["food", "price|service", ""]


def test_predictions_can_be_labels_again(sentiment, best, tmp_path):
    write_jsonl(tmp_path / "new.jsonl", [{"text": f"{n}. The soup was warm and it cost too much."} for n in range(30)])
    assert sentiment("predict", f"--ckpt_path={best}", "--data.corpus=new.jsonl", "--output=out.csv", *QUIET) == 0
    words = ("--data.corpus=out.csv", "--data.labels=any", "--data.label_column=predicted")
    assert sentiment("test", f"--ckpt_path={best}", *words, *QUIET) == 0
    assert test_figures(tmp_path / "runs" / "version_1")["test/accuracy"] == 1.0


@pytest.mark.usefixtures("one_callback")
def test_one_label_a_text_is_no_answer_to_any(sentiment, best, toy, capsys):
    words = (f"--data.corpus={toy}", "--data.labels=one", "--data.label_column=label")
    assert sentiment("test", f"--ckpt_path={best}", *words, *QUIET) == 2
    assert "error: " in capsys.readouterr().err


@pytest.mark.usefixtures("one_callback")
def test_where_every_text_of_train_has_a_label_every_answer_has_one(sentiment, tmp_path):
    write_jsonl(tmp_path / "all.jsonl", [{"text": f"{n} {'ab'[n % 2]}", "labels": ["ab"[n % 2]]} for n in range(40)])
    assert sentiment("fit", "--data.corpus=all.jsonl", *ANY, "--trainer.max_epochs=1", *PLAIN[:-1], *QUIET[2:]) == 0
    model = load("runs/version_0/checkpoints/best.ckpt")
    assert all(answer.labels for answer in model(["a", "b", "something else"]))


def test_thresholds_are_found_for_each_label(sentiment, best):
    pytest.importorskip("project.addons.calibrate")
    assert sentiment("calibrate", f"--ckpt_path={best}", "--output=new.ckpt", "--aim=macro_f1") == 0
    assert len(read_checkpoint("new.ckpt")[KEY]["decision"]["thresholds"]) == 3
    assert load("new.ckpt")("The soup was warm.").label == "food"


def test_a_bundle_answers_as_the_checkpoint_does(sentiment, best):
    pytest.importorskip("project.export")
    assert sentiment("export", f"--ckpt_path={best}", "--output=bundle") == 0
    texts = ["The soup was warm.", "It cost too much and The waiter was kind.", "No words."]
    for bundled, own in zip(load("bundle")(texts), load(best)(texts), strict=True):
        assert bundled.labels == own.labels
        assert bundled.probabilities == pytest.approx(own.probabilities, abs=1e-5)


def test_the_loss_chooses_the_best_epoch(trained):
    states = read_checkpoint(trained / "checkpoints" / "best.ckpt")["callbacks"].values()
    (monitor,) = {state["monitor"] for state in states if state.get("monitor")}
    assert monitor == "val/loss"
    with (trained / "metrics.csv").open(newline="") as file:
        losses = [float(row["val/loss"]) for row in csv.DictReader(file) if row["val/loss"]]
    assert [float(state["best_model_score"]) for state in states if state.get("monitor")] == [
        pytest.approx(min(losses))
    ]


@pytest.mark.usefixtures("one_callback")
def test_a_fit_begins_with_the_frequency_of_each_label(sentiment, reviews):
    words = (f"--data.corpus={reviews}", "--trainer.max_epochs=1", "--model.learning_rate=1e-9")
    assert sentiment("fit", *words, *ANY, *PLAIN, *QUIET[2:]) == 0
    weights = read_checkpoint("runs/version_0/checkpoints/best.ckpt")["state_dict"]
    train = [str(row["labels"]) for place, row in enumerate(rows()) if place % 4 in (0, 1)]
    shares = [sum(name in labels for labels in train) / len(train) for name in ("food", "price", "service")]
    assert weights["network.classifier.bias"].sigmoid().tolist() == pytest.approx(shares, abs=0.02)
