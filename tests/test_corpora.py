import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from project.corpora import find_source, load_corpus, parse_hutto
from project.errors import UserError
from project.ingest import ReadOptions
from tests.conftest import toy_rows, write_csv

WHOLE = ReadOptions(val_share=0, test_share=0)


def parsed(lines: list[str], ratings: str = "[1, 1]"):
    """The splits of texts that all have the same ratings."""
    return parse_hutto(lines, [f"{line.split(chr(9))[0]}\t0\t0\t{ratings}" for line in lines])


def texts_of(splits) -> dict[str, list[str]]:
    return {name: [record.columns["text"] for record in rows] for name, rows in splits.items()}


def test_ids_modulo_ten_fix_the_split():
    splits = parsed(["7\t1.5\tWarm.", "18\t1.5\tWise.", "29\t1.5\tFunny.", "30\t1.5\tKind."])
    assert texts_of(splits) == {"train": ["Warm.", "Kind."], "val": ["Wise."], "test": ["Funny."]}


def test_sentences_of_one_review_stay_together():
    assert len(parsed(["19_1\t1\tOne.", "19_18\t1\tTwo."])["test"]) == 2


@pytest.mark.parametrize(("rating", "label"), [("0.05", 1), ("0", 0), ("-0.0", 0), ("-3.2", 0)])
def test_positive_means_above_zero(rating, label):
    assert parsed([f"1\t{rating}\tSo."])["train"][0].columns["label"] == label


@pytest.mark.parametrize(
    ("ratings", "share"), [("[3, -1, 1, 2]", 0.75), ("[0, 0, -4, 4]", 0.5), ("[-1, -2]", 0.0), ("[4]", 1.0)]
)
def test_the_target_of_a_text_is_the_share_of_raters_who_find_it_positive(ratings, share):
    (row,) = parsed(["1\t1\tSo."], ratings)["train"]
    assert (row.columns["p_0"], row.columns["p_1"]) == (1 - share, share)


def test_val_and_test_have_labels_alone():
    splits = parsed(["8\t1\tWise.", "9\t1\tFunny."])
    assert [set(record.columns) for split in splits.values() for record in split] == [{"text", "label"}] * 2


def test_text_of_val_or_test_is_left_out_of_train():
    assert parsed(["1\t1\tSame.", "9\t1\tSame.", "2\t1\tOther.", "8\t-1\tOther."])["train"] == []


def write_formats(folder, rows: list[tuple[str, str]]):
    table = pa.table({"text": [text for text, _ in rows], "label": [label for _, label in rows]})
    pq.write_table(table, folder / "rows.parquet")
    write_csv(folder / "rows.csv", rows)
    for name, lines in (
        ("rows.tsv", ["text\tlabel", *(f"{text}\t{label}" for text, label in rows)]),
        ("rows.jsonl", [f'{{"label": "{label}", "text": "{text}"}}' for text, label in rows]),
    ):
        (folder / name).write_text("\n".join(lines), encoding="utf-8")


@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv", "rows.jsonl", "rows.parquet"])
def test_every_format_gives_the_same_corpus(tmp_path, name):
    write_formats(tmp_path, toy_rows())
    corpus = load_corpus(str(tmp_path / name), WHOLE)
    assert [(text, corpus.label_names[label]) for text, label in corpus.split("train")] == toy_rows()
    assert corpus.fingerprint == load_corpus(str(tmp_path / "rows.csv"), WHOLE).fingerprint


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (["train.csv", "val.csv", "test.csv"], {"train", "val", "test"}),
        (["train.csv", "validation.csv"], {"train", "val"}),
        (["train-00000-of-00002.csv", "train-00001-of-00002.csv", "dev.csv"], {"train", "val"}),
        (["data/train-00000-of-00001.csv", "data/test-00000-of-00001.csv"], {"train", "test"}),
        (["train.csv", "unsupervised.csv", "README.md"], {"train"}),
    ],
)
def test_files_of_a_folder_go_to_the_splits_of_their_names(tmp_path, names, splits):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_csv(tmp_path / name, [(f"From {name}.", "good")])
    assert set(find_source(str(tmp_path), WHOLE).parts) == splits


def test_parts_of_a_split_come_in_order(tmp_path):
    for number in range(2):
        write_csv(tmp_path / f"train-{number}.csv", [(f"From {number}.", "good")])
    assert [text for text, _ in load_corpus(str(tmp_path), WHOLE).split("train")] == ["From 0.", "From 1."]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("books", r"'books' is neither a file \(.*\) nor a folder, nor one of movies, products, tweets, editorials"),
        ("nowhere/rows.csv", "neither a file"),
        (".", "holds no file named after its split"),
        ("notes.txt", "has none of the suffixes"),
    ],
)
def test_what_is_no_corpus(tmp_path, monkeypatch, name, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UserError, match=message):
        load_corpus(name)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", b"text,label\nCaf\xe9,good\n", r"a\.csv:2: the text is not valid UTF-8; fix it"),
        ("a.csv", b"text,label\na\0b,good\n", r"a\.csv:2: the text holds a NUL character; fix it"),
        ("a.csv", b"text,label\nWarm.,\n", r"a\.csv:2: the label is missing; fix it"),
        ("a.jsonl", b'{"text": 5, "label": "good"}\n', r"a\.jsonl:1: the text is not text but 5; fix it"),
        ("a.jsonl", b"text\n", r"a\.jsonl:1: not valid JSON"),
    ],
)
def test_bad_row_is_named(tmp_path, name, content, reason):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=f"^1 bad row: .*{reason}"):
        load_corpus(str(tmp_path / name))


def test_missing_split_is_refused(tmp_path):
    write_csv(tmp_path / "train.csv", toy_rows())
    with pytest.raises(UserError, match="has no val split, only train"):
        load_corpus(str(tmp_path), WHOLE).split("val")


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_share_out_of_range_is_refused(tmp_path, share):
    with pytest.raises(UserError, match=r"val_share is .*: set --data\.val_share"):
        load_corpus("movies", ReadOptions(val_share=share))


def test_known_labels_are_matched_by_name(tmp_path):
    write_csv(tmp_path / "test.csv", [("Warm.", "good")])
    corpus = load_corpus(str(tmp_path), known_labels=("good", "meh", "bad"))
    assert list(corpus.split("test")) == [("Warm.", 0)]


def test_texts_to_predict_need_no_label(tmp_path):
    (tmp_path / "rows.csv").write_text("id,text\n1,Warm.\n2,Cold.\n")
    corpus = load_corpus(str(tmp_path / "rows.csv"), known_labels=("bad", "good"), labelled=False)
    assert list(corpus.split("test")) == [("Warm.", -1), ("Cold.", -1)]


def test_column_that_the_user_names_is_taken(tmp_path):
    write_csv(tmp_path / "rows.csv", toy_rows())
    assert find_source(str(tmp_path / "rows.csv"), ReadOptions(text_column="body")).text_column == "body"
