from dataclasses import replace

import numpy as np
import pytest

from project.addons.report.run import Answers
from project.addons.report.slices import columns, grouped, quartiles, slices
from project.corpora import load_corpus
from project.text import SPECIALS, Tokenizer

TEXTS = ["good film", "not a good film", "It isn't good", "xyz"]
TESTED = Answers(
    ["bad", "good"],
    [f"rows.csv:{line}" for line in range(2, 6)],
    TEXTS,
    np.array([1, 0, 0, 0]),
    np.array([1, 1, 0, -1]),
    np.array([[0.1, 0.9], [0.4, 0.6], [0.7, 0.3], [0.5, 0.5]]),
)
WORDS = Tokenizer([*SPECIALS, "good", "film", "not", "a", "it", "isn", "'", "t"])


def numbers(groups):
    return [(group.name, group.accuracy.texts, group.accuracy.value) for group in groups]


def test_a_text_without_an_answer_counts_in_no_accuracy():
    assert numbers(grouped(TESTED, TESTED.labels.tolist(), {0: "bad", 1: "good"})) == [
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
