from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from project.addons.multilabel.labels import checked, flag, parts_of
from project.corpora import load_corpus
from project.errors import UserError
from project.ingest import Corpus, ReadOptions
from tests.addons.multilabel.conftest import write_jsonl


def corpus_of(folder: Path, values: list[Any], **options: Any) -> Corpus:
    """A folder's train and test of such values in the column of labels."""
    for split in ("train", "val", "test"):
        rows = [{"text": f"text {split} {number}", "labels": value} for number, value in enumerate(values)]
        write_jsonl(folder / f"{split}.jsonl", rows)
    return load_corpus(str(folder), ReadOptions(label_column="labels", labels="any", **options))


def sets_of(corpus: Corpus) -> list[str]:
    return [corpus.answers[example.label] for example in corpus.split("test")]


@pytest.mark.parametrize(
    "values",
    [
        [["b", "a"], [], ["b"]],
        ["b|a", "", "b"],
        ["b; a", None, "b"],
        ["b,a", "  ", "b"],
        ["['b', 'a']", "[]", '["b"]'],
    ],
)
def test_lists_and_separators_say_the_same(tmp_path, values):
    assert sets_of(corpus_of(tmp_path, values)) == ["a|b", "", "b"]


def test_names_are_the_labels_and_not_their_sets(tmp_path):
    assert corpus_of(tmp_path, [["b", "a"], [], ["c"]]).label_names == ("a", "b", "c")


def test_members_tell_which_label_is_in_which_set(tmp_path):
    corpus = corpus_of(tmp_path, [["b", "a"], [], ["b"]])
    assert corpus.members is not None
    assert corpus.members[[example.label for example in corpus.split("test")]].tolist() == [[1, 1], [0, 0], [0, 1]]


def test_whole_numbers_are_in_order_of_their_value(tmp_path):
    assert sets_of(corpus_of(tmp_path, [[10, 9], [2]])) == ["9|10", "2"]


@pytest.mark.parametrize("columns", ["is_joy,is_fear", "is_*", "*_joy, is_fear"])
def test_columns_of_0_and_1_are_labels(tmp_path, columns):
    lines = ["text,is_joy,is_fear,stars", "a,1,0,3", "b,0,0,4", "c,true,1.0,5", "d,,1,1"]
    for split in ("train", "val", "test"):
        (tmp_path / f"{split}.csv").write_text("\n".join(lines) + "\n")
    corpus = load_corpus(str(tmp_path), ReadOptions(label_column=columns, labels="any"))
    assert sets_of(corpus) == ["is_joy", "", "is_fear|is_joy", "is_fear"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([["a"], ["a|b"]], "holds '|'"),
        ([["a"], [1.5]], "neither a name nor a whole number: 1.5"),
        ([["a"], ["a\n"], ["a\x07"]], "cannot be shown"),
        (["['a'", "a"], "not a list that can be read"),
        ([["a"], {"a": 1}], "neither a name nor a whole number"),
    ],
)
def test_labels_that_cannot_be_read_are_told_with_their_line(tmp_path, values, message):
    with pytest.raises(UserError, match=r"train\.jsonl:\d") as caught:
        corpus_of(tmp_path, values)
    assert message in str(caught.value)


def test_a_missing_column_is_told(tmp_path):
    write_jsonl(tmp_path / "train.jsonl", [{"text": "a", "tags": ["x"]}])
    with pytest.raises(UserError, match="there is no column 'labels', only text, tags: name it, or columns of 0 and 1"):
        load_corpus(str(tmp_path), ReadOptions(label_column="labels", labels="any"))


def test_another_value_than_0_and_1_is_told(tmp_path):
    (tmp_path / "train.csv").write_text("text,is_a,is_b\nx,1,0\ny,maybe,0\n")
    with pytest.raises(UserError, match=r"train\.csv:3: the column 'is_a' should be 0 or 1, but is 'maybe'"):
        load_corpus(str(tmp_path), ReadOptions(label_column="is_*", labels="any"))


def test_a_label_that_train_lacks_is_told(tmp_path):
    write_jsonl(tmp_path / "train.jsonl", [{"text": "a", "labels": ["x", "y"]}])
    write_jsonl(tmp_path / "test.jsonl", [{"text": "b", "labels": ["z"]}])
    with pytest.raises(UserError, match="the label 'z' is not one of x, y"):
        load_corpus(str(tmp_path), ReadOptions(label_column="labels", labels="any"))


def test_a_set_that_train_lacks_is_none_the_worse(tmp_path):
    write_jsonl(tmp_path / "train.jsonl", [{"text": "a", "labels": ["x"]}, {"text": "c", "labels": ["y"]}])
    write_jsonl(tmp_path / "test.jsonl", [{"text": "b", "labels": ["x", "y"]}])
    assert sets_of(load_corpus(str(tmp_path), ReadOptions(label_column="labels", labels="any"))) == ["x|y"]


def test_the_labels_of_a_model_keep_their_order(tmp_path):
    write_jsonl(tmp_path / "test.jsonl", [{"text": "b", "labels": ["x", "y"]}])
    options = ReadOptions(label_column="labels", labels="any")
    corpus = load_corpus(str(tmp_path), options, known_labels=["y", "x"], whole="test")
    assert (corpus.label_names, sets_of(corpus)) == (("y", "x"), ["y|x"])


def test_soft_targets_are_probabilities_of_each_label(tmp_path):
    lines = ["text,labels,p_x,p_y", "a,x,0.9,0.8", "b,,0.2,0.7", "c,x|y,1,0"]
    (tmp_path / "train.csv").write_text("\n".join(lines) + "\n")
    for split in ("val", "test"):
        (tmp_path / f"{split}.csv").write_text(f"text,labels\n{split},x\n")
    corpus = load_corpus(str(tmp_path), ReadOptions(label_column="labels", labels="any", soft_targets=True))
    assert corpus.soft_targets is not None
    assert corpus.soft_targets.flatten().tolist() == pytest.approx([0.9, 0.8, 0.2, 0.7, 1.0, 0.0])
    assert [corpus.answers[label] for _, label in corpus.split("train")] == ["x", "y", "x|y"]


@given(st.lists(st.text(st.characters(exclude_characters="|", exclude_categories=["C", "Z"]), min_size=1)))
def test_names_come_back_from_a_text(names):
    joined = "|".join(names)
    if not joined.startswith("["):
        assert checked(parts_of(joined, "|")) == checked(names)


@given(st.text())
def test_any_text_is_a_flag_or_a_fault(text):
    known = text.strip().casefold() in ("", "0", "1", "0.0", "1.0", "true", "false")
    with nullcontext() if known else pytest.raises(ValueError, match="should be 0 or 1"):
        flag("x", text)
