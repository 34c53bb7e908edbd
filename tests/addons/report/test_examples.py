import json

import numpy as np
import pytest

from project.addons.report import examples
from project.addons.report.answers import Answers
from project.addons.report.examples import doubted_rows, explained_errors
from project.corpora import load_corpus
from project.decision import Decision
from project.ingest import ReadOptions
from project.predict import Predictor
from project.registry import registered
from project.text import SPECIALS, Tokenizer

NEEDS_ANY = pytest.mark.skipif("any" not in registered("LABELS"), reason="project/addons/multilabel reads them")
NAMES = ("bad", "good")
WORDS = Tokenizer([*SPECIALS, "good", "fine", "film"])


def predictor() -> Predictor:
    """Each "good" and "fine" speaks for good, by 2 and by 1."""
    return Predictor(
        lambda ids: [[0.0, 2.0 * each.count(2) + each.count(3) - 1] for each in ids], WORDS, Decision(NAMES)
    )


def wrong(*texts: str) -> Answers:
    answers = [predictor()(text) for text in texts]
    shares = np.array([list(answer.probabilities.values()) for answer in answers])
    places = [f"rows.csv:{line}" for line, _ in enumerate(texts, start=2)]
    got = np.eye(2, dtype=bool)[shares.argmax(1)]
    return Answers(list(NAMES), places, list(texts), ~got, got, shares)


def test_errors_come_by_confidence_with_the_effect_of_each_word():
    surer, other = explained_errors(wrong("fine good film", "good good film"), predictor())
    assert (surer.place, surer.true, surer.predicted) == ("rows.csv:3", "bad", "good")
    assert [word.word for word in other.words] == ["fine", "good", "film"]
    fine, good, film = (word.effect for word in other.words)
    assert good > fine > film == 0


def test_of_long_texts_the_first_words_are_explained():
    (error,) = explained_errors(wrong("good " * 100), predictor())
    assert (len(error.words), error.rest) == (60, "…")


@pytest.fixture
def corpus(tmp_path):
    rows = [("good film", "good"), ("good good", "bad"), ("film film", "bad"), ("film", "good")]
    lines = ["text,label", *(f"{text},{label}" for text, label in rows)]
    for split in ("train", "val", "test"):
        (tmp_path / f"{split}.csv").write_text("\n".join(lines), encoding="utf-8")
    return load_corpus(str(tmp_path))


def test_rows_are_doubted_by_the_probability_of_their_label(corpus):
    found, looked = doubted_rows(corpus, predictor(), None)
    assert looked == 4
    assert [each.text for each in found] == ["good good", "film", "good film", "film film"]
    assert found[0].place.endswith("train.csv:3")
    assert (found[0].label, found[0].answer) == ("bad", "good")
    assert found[0].of_label == pytest.approx(1 / (1 + np.exp(3)))
    assert found[0].of_label + found[0].probability == pytest.approx(1)


def test_a_sample_is_the_same_every_time(corpus):
    first, again = (doubted_rows(corpus, predictor(), 2) for _ in range(2))
    assert first == again
    assert first[1] == 2


def test_long_rows_make_the_sample_smaller(corpus, monkeypatch):
    monkeypatch.setattr(examples, "MOST_READ", 20)
    assert doubted_rows(corpus, predictor(), 4)[1] == 2


LABELS = Decision(("joy", "fear"), labels="any")


def several() -> Predictor:
    """Each "good" speaks for joy, by 2, each "fine" for fear, by 1."""
    return Predictor(lambda ids: [[2.0 * each.count(2) - 2.9, each.count(3) - 0.5] for each in ids], WORDS, LABELS)


def labelled(has: list[list[int]], *texts: str) -> Answers:
    answers = [several()(text) for text in texts]
    shares = np.array([list(answer.probabilities.values()) for answer in answers])
    flags = np.array(has, dtype=bool), LABELS.chosen(shares)
    places = [f"rows.csv:{line}" for line, _ in enumerate(texts, start=2)]
    return Answers(list(LABELS.label_names), places, list(texts), *flags, shares, several=True)


def test_the_surest_wrong_label_is_explained_and_answers_that_lack_one_come_last():
    tested = labelled([[1, 1], [0, 0], [1, 0]], "film", "good good fine film", "good good")
    wrong, missing = explained_errors(tested, several())
    assert (wrong.true, wrong.predicted, wrong.label, wrong.given) == ("(none)", "joy, fear", "joy", True)
    assert wrong.probability == pytest.approx(1 / (1 + np.exp(-1.1)))
    good, _, fine, film = (word.effect for word in wrong.words)
    assert good > 0.1
    assert fine == film == 0
    assert (missing.true, missing.predicted, missing.label, missing.given) == ("joy, fear", "(none)", "joy", False)
    assert missing.probability == pytest.approx(1 / (1 + np.exp(2.9)))


def test_a_wrong_label_is_explained_though_a_right_one_is_more_probable():
    (error,) = explained_errors(labelled([[1, 0]], "good good fine"), several())
    good, _, fine = (word.effect for word in error.words)
    assert error.label == "fear"
    assert good == 0
    assert fine > 0.1


@NEEDS_ANY
def test_of_several_labels_the_one_is_doubted_that_is_least_probable_as_it_is(tmp_path):
    rows = [("film", ["joy"]), ("good good good", []), ("fine fine", ["fear", "joy"]), ("good good good", ["joy"])]
    lines = [json.dumps({"text": f"{text} {n}", "labels": names}) for n, (text, names) in enumerate(rows)]
    for split in ("train", "val", "test"):
        (tmp_path / f"{split}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    corpus = load_corpus(str(tmp_path), ReadOptions(labels="any", label_column="labels"))
    found, looked = doubted_rows(corpus, several(), None)
    facts = [(each.labels, each.label, each.has) for each in found]
    assert looked == 4
    assert facts == [
        *(("(none)", "joy", False), ("joy", "joy", True), ("fear, joy", "joy", True)),
        ("joy", "fear", False),
    ]
    assert found[0].of_label == pytest.approx(1 / (1 + np.exp(-3.1)))
