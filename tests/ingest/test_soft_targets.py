import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from project.errors import UserError
from project.ingest import Corpus, ReadOptions
from project.ingest.soft_targets import probability_columns, soft_target, target_fault
from tests.ingest.folders import load_corpus

SOFT = ReadOptions(val_share=0, test_share=0, soft_targets=True)
HEADER = "text,label,p_good,p_bad\n"
COLUMNS = {"good": "p_good", "bad": "p_bad"}


def load(tmp_path, content: str, options: ReadOptions = SOFT, **others: Any) -> Corpus:
    (tmp_path / "rows.csv").write_text(content)
    return load_corpus(str(tmp_path / "rows.csv"), options, **others)


def soft(corpus: Corpus) -> list[list[float]]:
    assert corpus.soft_targets is not None
    return [[round(float(p), 6) for p in row] for row in corpus.soft_targets]


# --- one row ----------------------------------------------------------------------------------------------------------


def test_columns_are_found_by_label():
    assert probability_columns(["text", "p_good", "predicted", "p_bad", "p_"], {}) == COLUMNS


def test_columns_are_renamed_as_labels_are():
    assert probability_columns(["p_0", "p_True"], {"0": "negative"}) == {"negative": "p_0", "true": "p_True"}


@pytest.mark.parametrize(
    ("good", "bad", "fault"),
    [
        ("", "1", "p_good is missing"),
        (None, 1, "p_good is missing"),
        ("x", "1", "p_good is not a number but 'x'"),
        ([1], 0, r"p_good is not a number but [1]"),
        ("-0.1", "1.1", "p_good is -0.1: a probability is from 0 to 1"),
        (0.5, 87, "p_bad is 87: a probability is from 0 to 1"),
        ("nan", "1", "p_good is nan: a probability is from 0 to 1"),
        ("0.5", "0.4", "the probabilities p_good, p_bad add up to 0.9, not to 1"),
        ("0.6", "0.42", "the probabilities p_good, p_bad add up to 1.02, not to 1"),
    ],
)
def test_what_is_no_probability(good, bad, fault):
    assert target_fault({"p_good": good, "p_bad": bad}, COLUMNS, ["bad", "good"]) == fault


@pytest.mark.parametrize("row", [{"p_good": "0.25", "p_bad": ".75"}, {"p_good": 1, "p_bad": 0.0}])
def test_what_is_one(row):
    assert target_fault(row, COLUMNS, ["bad", "good"]) is None


def test_another_column_than_a_label_has_is_a_fault():
    fault = target_fault({"p_good": 1}, {"good": "p_good"}, ["bad", "good"])
    assert fault == "the columns of probabilities are p_good, not one for each of the labels bad, good"


def test_rounded_probabilities_are_made_to_add_up():
    assert soft_target({"p_good": 0.796, "p_bad": "0.199"}, COLUMNS, ["bad", "good"]) == pytest.approx([0.2, 0.8])


# --- a corpus ---------------------------------------------------------------------------------------------------------


def test_columns_name_the_labels_in_their_usual_order(tmp_path):
    corpus = load(tmp_path, "text,label,p_10,p_9,p_meh\nWarm.,9,0.2,0.7,0.1\n")
    assert corpus.label_names == ("9", "10", "meh")
    assert soft(corpus) == [[0.7, 0.2, 0.1]]


def test_order_of_a_checkpoint_is_kept(tmp_path):
    corpus = load(tmp_path, HEADER + "Warm.,good,0.8,0.2\n", known_labels=["good", "bad"])
    assert soft(corpus) == [[0.8, 0.2]]


def test_label_of_a_row_stays(tmp_path):
    assert list(load(tmp_path, HEADER + "Warm.,bad,0.8,0.2\n").split("train")) == [("Warm.", 0)]


def test_row_without_label_counts_as_the_most_probable(tmp_path):
    corpus = load(tmp_path, HEADER + "Warm.,,0.8,0.2\nCold.,,0.1,0.9\n")
    assert list(corpus.split("train")) == [("Warm.", 1), ("Cold.", 0)]


def test_rows_without_label_are_counted(tmp_path):
    corpus = load(tmp_path, HEADER + "Warm.,,0.8,0.2\nCold.,bad,0.1,0.9\n")
    assert corpus.notes == ("1 texts of train have no label: the most probable one is used",)


def test_column_of_labels_may_be_absent(tmp_path):
    assert list(load(tmp_path, "text,p_good,p_bad\nWarm.,0.8,0.2\n").split("train")) == [("Warm.", 1)]


ROWS: list[dict[str, Any]] = [
    {"text": "Warm.", "label": "good", "p_good": 0.75, "p_bad": 0.25},
    {"text": "Cold.", "label": None, "p_good": 0.125, "p_bad": 0.875},
]


def write(path: Path) -> None:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    else:
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([ROWS[0].keys(), *(row.values() for row in ROWS)])


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl", "rows.parquet"])
def test_every_format_gives_the_same(tmp_path, name):
    write(tmp_path / name)
    corpus = load_corpus(str(tmp_path / name), SOFT)
    assert list(corpus.split("train")) == [("Warm.", 1), ("Cold.", 0)]
    assert soft(corpus) == [[0.25, 0.75], [0.875, 0.125]]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("Warm.,good,0.8,", r"rows\.csv:2: p_bad is missing; fix it"),
        ("Warm.,good,0.8,0.8", r"rows\.csv:2: the probabilities p_good, p_bad add up to 1\.6, not to 1; fix it"),
        ("Warm.,meh,0.8,0.2", r"rows\.csv:2: the label 'meh' is not one of bad, good"),
        (",good,0.8,0.2", r"rows\.csv:2: the text is empty"),
    ],
)
def test_bad_row_is_named(tmp_path, row, message):
    with pytest.raises(UserError, match=message):
        load(tmp_path, f"{HEADER}{row}\n")


def test_skipped_rows_leave_no_probabilities(tmp_path):
    rows = "Warm.,good,0.8,0.2\nOdd.,good,2,0\nCold.,bad,0.1,0.9\n"
    corpus = load(tmp_path, HEADER + rows, ReadOptions("text", "label", "skip", 0, 0, soft_targets=True))
    assert soft(corpus) == [[0.2, 0.8], [0.9, 0.1]]


def test_train_without_such_columns_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"rows\.csv:2: there is no column p_LABEL .* such as p_good and p_bad: "):
        load(tmp_path, "text,label\nWarm.,good\n")


def test_files_of_train_have_the_same_columns(tmp_path):
    (tmp_path / "train-0.csv").write_text(HEADER + "Warm.,good,0.8,0.2\n")
    (tmp_path / "train-1.csv").write_text("text,label,p_good\nWise.,good,1\n")
    with pytest.raises(UserError, match=r"train-1\.csv:2: the columns of probabilities are p_good, not one for each"):
        load_corpus(str(tmp_path), SOFT)


def with_val(tmp_path, content: str) -> str:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "train.csv").write_text(HEADER + "Warm.,,0.8,0.2\nCold.,bad,0.1,0.9\n")
    (tmp_path / "corpus" / "val.csv").write_text(content)
    return str(tmp_path / "corpus")


def test_val_needs_no_such_columns(tmp_path):
    corpus = load_corpus(with_val(tmp_path, "text,label\nWise.,good\n"), SOFT)
    assert list(corpus.split("val")) == [("Wise.", 1)]


@pytest.mark.parametrize(("label", "message"), [("", "the label is missing"), ("meh", "'meh' is not one of bad, good")])
def test_val_is_measured_on_labels_alone(tmp_path, label, message):
    with pytest.raises(UserError, match=rf"val\.csv:2: .*{message}"):
        load_corpus(with_val(tmp_path, f"{HEADER}Wise.,{label},0.8,0.2\n"), SOFT)


CARVED = HEADER + "".join(
    f"Text {n}.,{'' if n % 2 else 'good' if n % 4 else 'bad'},{n / 100},{1 - n / 100}\n" for n in range(100)
)


def test_rows_without_label_are_not_carved(tmp_path):
    corpus = load(tmp_path, CARVED, ReadOptions(soft_targets=True))
    held_out = [int(text[5:-1]) for split in ("val", "test") for text, _ in corpus.split(split)]
    assert [n for n in held_out if n % 2] == []
    assert len(held_out) == 10  # a tenth of 50, twice


def test_carved_text_does_not_come_again_without_label(tmp_path):
    rows = "".join(f"Text {n}.,good,1,0\n" for n in range(9)) + "".join(f"Text {n}.,,1,0\n" for n in range(9))
    corpus = load(tmp_path, HEADER + rows, ReadOptions(test_share=0, soft_targets=True))
    ((held_out, _),) = corpus.split("val")
    assert len(corpus.split("train")) == 16
    assert held_out not in [text for text, _ in corpus.split("train")]


def test_probabilities_stay_with_their_text(tmp_path):
    corpus = load(tmp_path, CARVED, ReadOptions(soft_targets=True))
    numbers = [int(text[5:-1]) for text, _ in corpus.split("train")]
    assert [row[1] for row in soft(corpus)] == [n / 100 for n in numbers]


def test_nothing_to_carve_is_told(tmp_path):
    with pytest.raises(UserError, match=r"val is measured on labels, and no text of train has one in column 'label'"):
        load(tmp_path, HEADER + "Warm.,,0.8,0.2\n", ReadOptions(test_share=0, soft_targets=True))


def test_corpus_without_soft_targets_has_none(tmp_path):
    assert load(tmp_path, HEADER + "Warm.,good,0.8,0.2\n", ReadOptions(val_share=0, test_share=0)).soft_targets is None


def test_texts_to_predict_need_no_probabilities(tmp_path):
    corpus = load(tmp_path, "text\nWarm.\n", SOFT, known_labels=["bad", "good"], labelled=False)
    assert list(corpus.split("test")) == [("Warm.", -1)]


# --- fingerprints -----------------------------------------------------------------------------------------------------


def test_fingerprint_of_labels_alone_is_what_it_always_was(tmp_path):
    corpus = load(tmp_path, "text,label\nWarm.,good\nCold.,bad\nWise.,good\n", ReadOptions(val_share=0, test_share=0))
    assert corpus.fingerprint == "285aabe9ec57889963af50395eaa3738e858627ce8266d04c056ad782b46e647"


def test_fingerprint_follows_the_probabilities(tmp_path):
    first, second = (load(tmp_path, f"{HEADER}Warm.,good,{p}\n").fingerprint for p in ("0.8,0.2", "0.7,0.3"))
    assert first != second


def test_fingerprint_is_the_same_whatever_the_order_of_columns(tmp_path):
    first = load(tmp_path, HEADER + "Warm.,good,0.75,0.25\n").fingerprint
    assert load(tmp_path, "text,p_bad,p_good,label\nWarm.,0.25,0.75,good\n").fingerprint == first
    assert load(tmp_path, HEADER + "Warm.,good,0.75,0.25\n", known_labels=["good", "bad"]).fingerprint == first
