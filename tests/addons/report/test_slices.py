from dataclasses import replace

import numpy as np
import pytest

from project.addons.report import slices as slices_of
from project.addons.report.answers import Answers
from project.addons.report.slices import columns, grouped, label_slices, quartiles, slices
from project.corpora import load_corpus
from project.text import SPECIALS, Tokenizer

TEXTS = ["good film", "not a good film", "It isn't good", "xyz"]
TESTED = Answers(
    ["bad", "good"],
    [f"rows.csv:{line}" for line in range(2, 6)],
    TEXTS,
    np.array([[0, 1], [1, 0], [1, 0], [1, 0]], dtype=bool),
    np.array([[0, 1], [0, 1], [1, 0], [0, 0]], dtype=bool),
    np.array([[0.1, 0.9], [0.4, 0.6], [0.7, 0.3], [0.5, 0.5]]),
)
WORDS = Tokenizer([*SPECIALS, "good", "film", "not", "a", "it", "isn", "'", "t"])


def numbers(groups):
    return [(group.name, group.accuracy.texts, group.accuracy.value) for group in groups]


def test_a_text_without_an_answer_counts_in_no_accuracy():
    assert numbers(grouped(TESTED, [1, 0, 0, 0], {0: "bad", 1: "good"})) == [
        ("bad", 2, 0.5),
        ("good", 1, 1.0),
    ]


def test_one_group_is_no_slicing():
    assert grouped(TESTED, [1, 1, 1, 1], {1: "all", 2: "none"}) == []


def test_quarters_of_lengths():
    keys, names = quartiles([1, 2, 3, 4, 5, 6, 7, 8])
    assert keys == [0, 0, 1, 1, 2, 2, 3, 3]
    assert names[0] == "1 to 2 tokens"
    assert names[3] == "7 to 8 tokens"


def test_equal_lengths_are_one_group():
    assert set(quartiles([5, 5, 5, 5])[0]) == {0}


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("English negation", [("not, never, n't, ...", 2, 0.5), ("without", 1, 1.0)]),
        ("Unknown words", [("none", 3, 2 / 3), ("more", 0, pytest.approx(float("nan"), nan_ok=True))]),
        ("True class", [("bad", 2, 0.5), ("good", 1, 1.0)]),
    ],
)
def test_slices_of_every_corpus(title, expected):
    assert numbers(slices(TESTED, WORDS, None, "label")[title]) == expected


SEVERAL = replace(TESTED, has=np.array([[1, 1], [0, 0], [1, 0], [0, 1]], dtype=bool), several=True)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Number of labels", [("0", 1, 0.0), ("1", 2, 0.5), ("2", 1, 0.0)]),
        ("True label", [("bad", 2, 0.5), ("good", 2, 0.0)]),
    ],
)
def test_slices_of_texts_with_several_labels(title, expected):
    assert numbers(slices(SEVERAL, WORDS, None, "label")[title]) == expected


def test_of_many_labels_the_most_frequent_are_slices(monkeypatch):
    monkeypatch.setattr(slices_of, "MOST_LABELS", 1)
    rare = replace(SEVERAL, has=np.array([[1, 1], [0, 0], [1, 1], [0, 1]], dtype=bool))
    assert [title for title in slices(rare, WORDS, None, "label") if "label" in title] == ["Number of labels"]
    assert label_slices(rare)["True label (the 1 most frequent)"] == []  # the other has no slice to stand beside


@pytest.fixture
def corpus(tmp_path):
    (tmp_path / "rows.csv").write_text(
        "text,label,id,country,p_x\n"
        + "".join(f"text {n},{'ab'[n % 2]},{n},{'fr' if n % 3 else ''},1\n" for n in range(40))
    )
    return load_corpus(str(tmp_path / "rows.csv"))


def test_columns_of_few_values_are_found_in_a_carved_split(corpus):
    places = [f"{file}:{line}" for file, line in corpus.places("test")]
    found = columns(replace(TESTED, places=places), corpus, "label")
    lines = [int(place.rpartition(":")[2]) - 2 for place in places]
    assert list(found) == ["country"]
    assert found["country"] == ["fr" if n % 3 else "(empty)" for n in lines]


def test_columns_of_labels_are_no_columns(corpus):
    places = [f"{file}:{line}" for file, line in corpus.places("test")]
    several = replace(TESTED, places=places, several=True)
    assert list(columns(several, corpus, "label")) == ["country"]
    assert list(columns(several, corpus, "label, coun*")) == []
