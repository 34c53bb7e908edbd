import pytest

from project.data.corpora import Corpus, Example, load_corpus, parse_hutto, read_folder
from project.errors import UserError


def test_ids_modulo_ten_fix_the_split():
    splits = parse_hutto(iter(["7\t1.5\tWarm.", "18\t1.5\tWise.", "29\t1.5\tFunny.", "30\t1.5\tKind."]))
    assert {name: [text for text, _ in rows] for name, rows in splits.items()} == {
        "train": ["Warm.", "Kind."],
        "val": ["Wise."],
        "test": ["Funny."],
    }


def test_sentences_of_one_review_stay_together():
    assert len(parse_hutto(iter(["19_1\t1\tOne.", "19_18\t1\tTwo."]))["test"]) == 2


@pytest.mark.parametrize(("rating", "label"), [("0.05", 1), ("0", 0), ("-0.0", 0), ("-3.2", 0)])
def test_positive_means_above_zero(rating, label):
    assert parse_hutto(iter([f"1\t{rating}\tSo."]))["train"][0].label == label


def test_text_of_val_or_test_is_left_out_of_train():
    splits = parse_hutto(iter(["1\t1\tSame.", "9\t1\tSame.", "2\t1\tOther.", "8\t-1\tOther."]))
    assert splits["train"] == []


def folder(tmp_path, content: str | bytes, name: str = "train.csv"):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return tmp_path


def test_folder_of_csv_files(tmp_path):
    folder(tmp_path, 'label,text\nbad,"Dull, long."\ngood,null\n')
    corpus = read_folder(folder(tmp_path, "text,label\nWarm.,good\n", "test.csv"))
    assert corpus.label_names == ("bad", "good")
    assert corpus.splits == {"train": [("Dull, long.", 0), ("null", 1)], "test": [("Warm.", 1)]}


def test_byte_order_mark_is_not_part_of_the_header(tmp_path):
    assert read_folder(folder(tmp_path, "\ufefftext,label\nWarm.,good\n")).split("train") == [("Warm.", 0)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("body,label\nx,y\n", r"train.csv:1: the header must name the columns text and label"),
        ("", r"train.csv:1: the header"),
        ("text,label\nWarm.,good\nWarm, wise.,good\n", r"train.csv:3: the row has not as many columns"),
        ("text,label\nWarm.\n", r"train.csv:2: the row has not as many columns"),
        ("text,label\n,good\n", r"train.csv:2: the text or the label is empty"),
        ('text,label\n"two\nlines",good\nWarm.,\n', r"train.csv:4: the text or the label is empty"),
        ('text,label\n"Warm."!,good\n', r"train.csv:2: not valid CSV"),
        (b"text,label\nCaf\xe9,good\n", r"train.csv: not UTF-8 text"),
    ],
)
def test_bad_rows_are_named_by_file_and_line(tmp_path, content, message):
    with pytest.raises(UserError, match=message):
        read_folder(folder(tmp_path, content))


def test_folder_without_files_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"none of train\.csv, val\.csv and test\.csv"):
        read_folder(tmp_path)


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(UserError, match=r"movies, products, tweets, editorials"):
        load_corpus("books")


def test_missing_split_is_refused(tmp_path):
    with pytest.raises(UserError, match="has no val split, only train"):
        read_folder(folder(tmp_path, "text,label\nWarm.,good\n")).split("val")


def corpus(text: str = "Warm.", names: tuple[str, ...] = ("bad", "good")) -> Corpus:
    return Corpus("toy", names, {"test": [Example(text, names.index("good"))]})


def test_fingerprint_follows_content_not_name_or_label_order():
    assert corpus().fingerprint() == corpus(names=("good", "bad")).fingerprint()
    assert corpus().fingerprint() != corpus("Cold.").fingerprint()


def test_labels_are_matched_by_name():
    assert corpus().relabelled(("good", "meh", "bad")).splits == {"test": [("Warm.", 0)]}


def test_label_that_the_model_lacks_is_refused():
    with pytest.raises(UserError, match="'good'"):
        corpus().relabelled(("bad", "fine"))
