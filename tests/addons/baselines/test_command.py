import json
from pathlib import Path

import pytest


def test_three_baselines_are_saved_for_the_results_page(sentiment, toy):
    assert sentiment("baselines", f"--data.corpus={toy}") == 0
    (path,) = Path("runs/baselines").glob("toy-*.json")
    facts = json.loads(path.read_text())
    assert [fact["name"] for fact in facts["baselines"]] == ["majority", "TF-IDF", "NB-SVM"]
    assert [len(fact["right"]) for fact in facts["baselines"]] == [10, 10, 10]


@pytest.mark.parametrize("words", [["--data.corpus=nowhere.csv"], ["--data.corpse=x"], ["--config=no.yaml"]])
def test_an_unusable_corpus_or_option_is_a_one_line_error(sentiment, capsys, words):
    assert sentiment("baselines", *words) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.fixture
def moods(tmp_path: Path) -> Path:
    """The folder of a corpus whose texts have any number of labels."""
    pytest.importorskip("project.addons.multilabel")
    rows = [("a joyful day", "joy"), ("a fearful night", "fear"), ("a joyful and fearful hour", "joy|fear")]
    rows += [("a plain table", ""), ("a plain chair", "")]
    folder = tmp_path / "moods"
    folder.mkdir()
    for split in ("train", "val", "test"):
        lines = [f"{text} {number},{labels}" for number in range(4) for text, labels in rows]
        (folder / f"{split}.csv").write_text("\n".join(["text,label", *lines]))
    return folder


def test_any_number_of_labels_has_exact_match_and_both_f1(sentiment, moods, capsys):
    assert sentiment("baselines", f"--data.corpus={moods}", "--data.labels=any") == 0
    (path,) = Path("runs/baselines").glob("moods-*.json")
    majority, tf_idf, nb_svm = json.loads(path.read_text())["baselines"]
    assert (sum(majority["right"]), majority["test/accuracy"], majority["test/f1"]) == (8, 0.4, 0.0)
    keys = ("val/accuracy", "val/f1", "val/f1_micro", "test/accuracy", "test/f1", "test/f1_micro")
    assert [tf_idf[key] for key in keys] == [1.0] * 6
    assert nb_svm["right"] == [1] * 20
    assert "exact" in capsys.readouterr().out


def test_one_label_a_text_has_no_figures_of_several(sentiment, toy, capsys):
    assert sentiment("baselines", f"--data.corpus={toy}") == 0
    (path,) = Path("runs/baselines").glob("toy-*.json")
    first = json.loads(path.read_text())["baselines"][0]
    assert list(first) == ["name", "strength", "val/accuracy", "test/accuracy", "test/f1", "seconds", "right"]
    assert "exact" not in capsys.readouterr().out
