import csv
import itertools
from operator import eq

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from project.errors import UserError
from project.ingest import NO_LABEL, ReadOptions
from project.ingest.splits import carve_rows, together
from tests.conftest import toy_rows
from tests.ingest.folders import folder, load_corpus, texts


def rows(labels: list[int], digests: list[int] | None = None) -> tuple[np.ndarray, np.ndarray]:
    return np.array(digests or range(len(labels)), dtype=np.uint64), np.array(labels, dtype=np.int32)


def test_share_is_of_each_class():
    digests, labels = rows([0] * 90 + [1] * 10)
    chosen = carve_rows(digests, labels, 0.2)
    assert [int(chosen[labels == label].sum()) for label in (0, 1)] == [18, 2]


def test_same_rows_every_time():
    assert np.array_equal(carve_rows(*rows([0, 1] * 50), 0.1), carve_rows(*rows([0, 1] * 50), 0.1))


def test_rare_class_gives_one_text_and_keeps_one():
    digests, labels = rows([0] * 50 + [1] * 2)
    assert carve_rows(digests, labels, 0.1)[labels == 1].sum() == 1


def test_texts_that_come_twice_stay_together():
    digests, labels = rows([0] * 100, [*range(50), *range(50)])
    chosen = carve_rows(digests, labels, 0.3)
    assert np.array_equal(chosen[:50], chosen[50:])
    assert chosen.sum() == 30


def test_text_without_label_is_chosen_with_its_equal_alone():
    digests, labels = rows([0, 0, NO_LABEL, NO_LABEL], [1, 2, 1, 3])
    chosen = carve_rows(digests, labels, 0.5)
    assert chosen.tolist() in ([True, False, True, False], [False, True, False, False])


def units(*keys: list[int]) -> list[int]:
    return together(*(np.array(key, dtype=np.uint64) for key in keys)).tolist()


def test_rows_of_equal_text_or_group_are_together():
    assert units([7, 7, 8, 9, 5], [1, 2, 2, 3, 4]) == [0, 0, 0, 3, 4]


def test_rows_are_together_through_a_chain_of_others():
    numbers = range(1000)
    assert set(units([n // 2 for n in numbers], [(n + 1) // 2 for n in numbers])) == {0}


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=20))
def test_units_are_connected_components(pairs):
    found = units(*map(list, zip(*pairs, strict=True)))
    for unit in set(found):
        rows = {row for row, each in enumerate(found) if each == unit}
        reached: set[int] = {min(rows)}
        for _ in rows:  # what shares a text or a group with a row that was reached is reached too
            reached |= {r for r, s in itertools.product(range(len(pairs)), reached) if any(map(eq, pairs[r], pairs[s]))}
        assert reached == rows


def grouped(tmp_path) -> str:
    """60 texts of 12 authors, a class and an author in three not known."""
    rows = [(text, label, f"author {n % 12}" if n % 3 else "") for n, (text, label) in enumerate(toy_rows())]
    with (tmp_path / "a.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label", "author"), *rows])
    return str(tmp_path / "a.csv")


def test_groups_are_never_parted(tmp_path):
    corpus = load_corpus(grouped(tmp_path), ReadOptions(group_column="author"))
    authors = {text: n % 12 for n, (text, _) in enumerate(toy_rows()) if n % 3}
    found = [{authors[text] for text in texts(corpus, split) if text in authors} for split in corpus.splits]
    assert sum(map(len, found)) == len(set(authors.values()))
    assert all(len(rows) for rows in corpus.splits.values())


def test_rows_without_a_group_are_parted(tmp_path):
    corpus = load_corpus(grouped(tmp_path), ReadOptions(group_column="author"))
    alone = {text for n, (text, _) in enumerate(toy_rows()) if n % 3 == 0}
    assert alone - set(texts(corpus, "train"))


def test_group_column_that_no_row_has_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"no row of train has a group in column 'writer': name it with --data\.group"):
        load_corpus(grouped(tmp_path), ReadOptions(group_column="writer"))


def test_missing_splits_are_carved_and_disjoint(tmp_path):
    corpus = load_corpus(folder(tmp_path, train=toy_rows()))
    parts = [texts(corpus, split) for split in ("train", "val", "test")]
    assert [len(part) for part in parts] == [48, 6, 6]
    assert sorted(text for part in parts for text in part) == sorted(text for text, _ in toy_rows())


def test_a_checkpoint_finds_the_splits_that_it_was_trained_with(tmp_path):
    path = folder(tmp_path, train=toy_rows())  # whose first label is the last in order
    first, again = load_corpus(path), load_corpus(path, known_labels=("negative", "positive"))
    assert texts(again, "test") == texts(first, "test")
    assert again.fingerprint == first.fingerprint


def test_missing_test_may_stay_absent(tmp_path):
    assert set(load_corpus(folder(tmp_path, train=toy_rows()), ReadOptions(test_share=0)).splits) == {"train", "val"}


def test_nothing_is_carved_out_of_an_empty_train(tmp_path):
    with pytest.raises(UserError, match=r"val is measured on labels, and no text of train has one"):
        load_corpus(folder(tmp_path, train=[], test=[("So.", "good")]), ReadOptions(test_share=0), ["good"])


def test_test_never_serves_as_val(tmp_path):
    corpus = load_corpus(folder(tmp_path, train=toy_rows(), test=[("Only this.", "positive")]))
    assert texts(corpus, "test") == ["Only this."]
    assert set(texts(corpus, "val")) < {text for text, _ in toy_rows()}


TWICE = [("Warm.", "good"), ("Cold.", "bad"), ("Warm.", "good"), ("Wise.", "good")]


def test_duplicates_and_overlap_are_counted_and_named(tmp_path):
    path = folder(tmp_path, train=TWICE, val=[("Cold.", "bad")], test=[("Wise.", "good")])
    assert load_corpus(path).notes == (
        f"kept 1 texts of train that repeat an earlier one, the first at {path}/train.csv:4",
        f"kept 1 texts of train that are also in val, the first at {path}/train.csv:3",
        f"kept 1 texts of train that are also in test, the first at {path}/train.csv:5",
    )


def test_overlap_of_val_and_test_is_told(tmp_path):
    path = folder(tmp_path, train=[("So.", "good")], val=[("Cold.", "good")], test=[("Cold.", "good")])
    assert load_corpus(path).notes == (f"kept 1 texts of val that are also in test, the first at {path}/val.csv:2",)


def test_duplicates_and_overlap_can_leave_train(tmp_path):
    path = folder(tmp_path, train=TWICE, val=[("Cold.", "bad")], test=[("Wise.", "good")])
    corpus = load_corpus(path, ReadOptions(drop_duplicates=True))
    assert texts(corpus, "train") == ["Warm."]
    assert texts(corpus, "val") == ["Cold."]
