import csv
import json
from pathlib import Path

import pytest

from project.addons.teach.answers import label_finder, read_answers, shares_of_answer
from project.corpora import load_corpus
from project.errors import UserError
from tests.conftest import SMALL, write_csv

SEEN = "The film is lovely, and I would see it again."  # train's first text, positive
BLAMED = "A dull film."  # its second
IN_VAL = "The music is wise, and I would see it again."
IN_TEST = "A cold ending."


@pytest.fixture
def own(toy):
    return load_corpus(str(toy))


@pytest.fixture
def answer(own):
    """A row of answers -> the probabilities of negative and positive."""

    def shares(**row):
        return shares_of_answer(row, label_finder(own), 2)

    return shares


@pytest.fixture
def teach(sentiment, toy):
    """Run `sentiment teach` with rows of answers, each (text, label)."""

    def run(*rows, words=()):
        lines = [json.dumps({"text": text, "label": label}) for text, label in rows]
        Path("answers.jsonl").write_text("".join(line + "\n" for line in lines))
        return sentiment("teach", f"--data.corpus={toy}", "--answers=answers.jsonl", "--output=taught", *words)

    return run


def rows(name="train"):
    with Path(f"taught/{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def taught(text):
    (row,) = [row for row in rows() if row["text"] == text]
    return row["label"], float(row["p_negative"]), float(row["p_positive"])


@pytest.mark.parametrize("word", ["positive", "Positive.", " POSITIVE\n", "**positive**", '"positive"!'])
def test_a_label_is_known_however_it_is_written(answer, word):
    assert answer(label=word) == [0, 1]


@pytest.mark.parametrize("label", ["very-negative", "Very negative.", "VERY_NEGATIVE"])
def test_words_of_a_label_may_be_joined_otherwise(tmp_path, label):
    write_csv(tmp_path / "rows.csv", [(f"Text {n}.", ("very negative", "negative")[n % 2]) for n in range(40)])
    assert label_finder(load_corpus(str(tmp_path / "rows.csv")))(label) == 1


@pytest.mark.parametrize(("label", "found"), [("1", 1), (1.0, 1), ("1.", 1), ("-1", 0), ("Good", 2), ("GOOD", None)])
def test_numbers_keep_their_sign_and_labels_alike_need_their_own_case(tmp_path, label, found):
    names = ["-1", "1", "Good", "good"]
    write_csv(tmp_path / "rows.csv", [(f"Text {n}.", names[n % 4]) for n in range(80)])
    assert label_finder(load_corpus(str(tmp_path / "rows.csv")))(label) == found


@pytest.mark.parametrize(
    ("row", "shares"),
    [
        ({"probabilities": {"positive": 0.75, "negative": 0.25}}, [0.25, 0.75]),
        ({"probabilities": {"Positive": 0.9, "Negative": 0.3}}, [0.25, 0.75]),
        ({"probabilities": {"positive": 75, "negative": "25"}}, [0.25, 0.75]),
        ({"probabilities": {"positive": 0.75}}, [0.25, 0.75]),
        ({"probabilities": {"positive": 0.75, "negative": None}}, [0.25, 0.75]),
        ({"probabilities": {"positive": 1.005}}, [0, 1]),
        ({"p_negative": "0.25", "p_positive": "0.75", "label": "negative"}, [0.25, 0.75]),
        ({"probabilities": None, "p_negative": "", "p_positive": "", "label": "positive"}, [0, 1]),
    ],
)
def test_probabilities_add_up_to_1(answer, row, shares):
    assert answer(**row) == pytest.approx(shares)


def test_labels_that_are_missing_share_what_is_left(tmp_path):
    write_csv(tmp_path / "rows.csv", [(f"Text {n}.", "abc"[n % 3]) for n in range(60)])
    find = label_finder(load_corpus(str(tmp_path / "rows.csv")))
    assert shares_of_answer({"probabilities": {"b": 0.5}}, find, 3) == [0.25, 0.5, 0.25]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({}, "there is no answer"),
        ({"label": None}, "there is no answer"),
        ({"label": ""}, "there is no answer"),
        ({"probabilities": {}}, "there is no answer"),
        ({"label": "I cannot rate this."}, "the corpus has no such label: 'I cannot rate this.'"),
        ({"label": ["positive"]}, r"the corpus has no such label: \['positive'\]"),
        ({"label": "..."}, "the corpus has no such label: '...'"),
        ({"probabilities": {"neutral": 1}}, "the corpus has no such label: 'neutral'"),
        ({"probabilities": [0.1, 0.9]}, r"not an object but \[0.1, 0.9\]"),
        ({"probabilities": {"positive": "high"}}, "a probability is 'high'"),
        ({"probabilities": {"positive": -0.5}}, "a probability is -0.5"),
        ({"probabilities": {"positive": True}}, "a probability is True"),
        ({"probabilities": {"positive": float("nan")}}, "a probability is nan"),
        ({"probabilities": {"positive": 75}}, "add up to 75, although labels are missing"),
        ({"probabilities": {"positive": 0, "negative": 0}}, "all probabilities are 0"),
        ({"probabilities": {"positive": 1, "Positive": 1}}, "two probabilities of the label 'Positive'"),
    ],
)
def test_unusable_answers_have_a_reason(answer, row, reason):
    with pytest.raises(ValueError, match=reason):
        answer(**row)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_answers_are_read_from_every_format(own, tmp_path, suffix):
    from project.ingest import write_rows

    path = tmp_path / f"answers{suffix}"
    write_rows(path, iter([{"text": BLAMED, "p_negative": 0.75, "p_positive": 0.25}]), {})
    found, unused = read_answers(path, own)
    assert ([answer.shares for answer in found.values()], unused) == ([[[0.75, 0.25]]], [])


def test_a_file_of_another_kind_is_refused(own):
    with pytest.raises(UserError, match=r"answers answers.txt should end in one of .csv"):
        read_answers(Path("answers.txt"), own)


def test_an_answer_for_a_labelled_text_becomes_its_target(teach):
    assert teach((BLAMED, "positive")) == 0
    assert taught(BLAMED) == ("negative", 0, 1)


def test_a_labelled_text_without_an_answer_keeps_its_label(teach):
    assert teach((BLAMED, "positive")) == 0
    assert taught(SEEN) == ("positive", 0, 1)


def test_the_answer_counts_as_much_as_it_should(teach):
    assert teach((BLAMED, "positive"), words=["--answer_weight=0.25"]) == 0
    assert taught(BLAMED) == ("negative", 0.75, 0.25)


def test_soft_targets_stay_without_an_answer(sentiment):
    lines = [f"Text {n},{'ab'[n % 2]},{0.75 - n % 2 / 2},{0.25 + n % 2 / 2}" for n in range(40)]
    Path("soft.csv").write_text("\n".join(["text,label,p_a,p_b", *lines]))
    Path("answers.csv").write_text("text,label\nA new text,b\n")
    words = ("--data.soft_targets=true", "--answers=answers.csv", "--output=taught")
    assert sentiment("teach", "--data.corpus=soft.csv", *words) == 0
    assert {(row["p_a"], row["p_b"]) for row in rows() if row["label"] == "a"} == {("0.75", "0.25")}


def test_several_answers_for_one_text_are_averaged(teach):
    answers = [("Never seen.", "positive"), ("Never  seen.", "negative"), ("Never seen. ", "I will not say."),
               ("Never seen.", "positive"), ("Never seen.", "positive")]  # fmt: skip
    assert teach(*answers) == 0
    assert taught("Never seen.") == ("", 0.25, 0.75)


def test_unused_answers_are_listed(teach, capsys):
    assert teach(("Never seen.", "positive"), ("Nor this.", None), (IN_VAL, "positive"), (IN_TEST, "negative")) == 0
    assert [(row["file"], row["line"], row["reason"]) for row in rows("unused_answers")] == [
        ("answers.jsonl", "2", "there is no answer"),
        ("answers.jsonl", "3", "the text is in val or test"),
        ("answers.jsonl", "4", "the text is in val or test"),
    ]
    assert "left out 3 answers, the first at answers.jsonl:2: there is no answer" in capsys.readouterr().out


def test_no_list_is_written_if_all_answers_are_used(teach):
    assert teach(("Never seen.", "positive")) == 0
    assert not Path("taught/unused_answers.csv").exists()


def test_val_and_test_texts_join_nothing(teach):
    assert teach(("Never seen.", "positive"), (IN_VAL.upper(), "positive"), (IN_TEST, "negative")) == 0
    assert [row["text"] for row in rows() if not row["label"]] == ["Never seen."]


def test_the_accuracy_of_the_answers_is_reported(teach, capsys):
    assert teach((SEEN, "positive"), (BLAMED, "positive"), (IN_VAL, "positive"), (IN_TEST, "positive")) == 0
    facts = json.loads(Path("taught/teacher.json").read_text())
    assert {name: facts[name] for name in facts if "/" in name} == {
        "train/accuracy": 0.5,
        "train/answered": 2,
        "val/accuracy": 1.0,
        "val/answered": 1,
    }
    assert "the teacher's accuracy on train: 0.500 (2 answered texts)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("answers", "words", "message"),
    [
        ([], [], "answers.jsonl has no answer that can be used"),
        ([("A text.", "good")], [], "(line 1: the corpus has no such label: 'good')"),
        ([(IN_VAL, "positive")], [], "answers for texts of val and test only"),
        ([(SEEN, "positive")], ["--texts=more.csv"], "--texts has no effect with --answers"),
        ([(SEEN, "positive")], ["--teacher", "a.ckpt"], "--teacher has no effect with --answers"),
        ([(SEEN, "positive")], ["--answer_weight=1.5"], "answer_weight is 1.5: set"),
        ([(SEEN, "positive")], ["--answers=nowhere.jsonl"], "nowhere.jsonl"),
    ],
)
def test_mistakes_are_one_line_errors_and_leave_no_files(teach, capsys, answers, words, message):
    assert teach(*answers, words=words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not Path("taught").exists()


@pytest.mark.slow
def test_a_student_can_be_trained_on_the_result(teach, sentiment):
    assert teach((SEEN, "positive"), ("Never seen.", "negative")) == 0
    words = ("--data.corpus=taught", "--data.soft_targets=true", "--trainer.max_epochs=1", "--test_after_fit=false")
    assert sentiment("fit", *words, *SMALL) == 0
