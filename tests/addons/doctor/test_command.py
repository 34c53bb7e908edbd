import json
import re

import pytest

from tests.addons.doctor.corpora_with_faults import rows, sentences, write

WORDS = ("--data.vectors=null",)


def doctor(sentiment, path, *words):
    """Run the command; return the exit code."""
    try:
        return sentiment("doctor", f"--data.corpus={path}", *WORDS, *words)
    except SystemExit as stopped:
        return stopped.code


def test_a_clean_corpus_is_said_to_be_clean(sentiment, tmp_path, capsys):
    assert doctor(sentiment, write(tmp_path / "clean.csv", rows(60))) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "this corpus looks clean"


def test_bad_rows_spoil_training_unless_they_are_skipped(sentiment, tmp_path, capsys):
    path = write(tmp_path / "bad.csv", [*rows(60), ["", "good"]])
    assert doctor(sentiment, path) == 1
    assert "spoils training: rows that cannot be used (the text is empty): 1" in capsys.readouterr().out
    assert doctor(sentiment, path, "--data.bad_rows=skip") == 0
    assert "look at: rows that cannot be used (the text is empty): 1" in capsys.readouterr().out


def test_files_of_findings_and_the_refusal_to_replace_them(sentiment, tmp_path, capsys):
    planted = [[rows(1)[0][0], "[/bad] <script>alert(1)</script>"], ["<b>[/i] & \x1b[31m", "good"]]
    path = write(tmp_path / "markup.csv", rows(60) + planted)
    files = ("--json=findings.json", "--html=findings.html")
    assert doctor(sentiment, path, *files) == 1
    assert "<b>[/i] & \\x1b[31m" in capsys.readouterr().out
    facts = json.loads((tmp_path / "findings.json").read_text(encoding="utf-8"))
    assert [each["count"] for each in facts["findings"] if each["kind"] == "contradictions"] == [2]
    page = (tmp_path / "findings.html").read_text(encoding="utf-8")
    assert "class [/bad] &lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert not re.search(r"<script|<b>|https?:|src=|\x1b", page)
    assert doctor(sentiment, path, *files) == 2
    assert "findings.json exists already" in capsys.readouterr().err
    assert doctor(sentiment, path, *files, "--overwrite=true") == 1


def test_columns_and_delimiter_are_those_of_the_options(sentiment, tmp_path):
    table = [f"{label};{number};{text}" for number, (text, label) in enumerate(rows(60))]
    (tmp_path / "columns.csv").write_text("\n".join(table))
    options = ("--data.text_column=3", "--data.label_column=1", "--data.delimiter=;", "--data.group_column=2")
    assert doctor(sentiment, tmp_path / "columns.csv", *options) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--against=nowhere"], "corpus 'nowhere' is neither"),
        (["--against=empty.csv"], "--against empty.csv has no text in column 'text'"),
        (["--data.label_column=rating"], "there is no column 'rating'"),
        (["--html=nowhere/findings.html"], "the folder nowhere does not exist"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(sentiment, tmp_path, capsys, words, said):
    write(tmp_path / "empty.csv", [])
    assert doctor(sentiment, write(tmp_path / "clean.csv", rows(20)), *words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_the_other_corpus_may_have_a_column_of_its_own(sentiment, tmp_path, capsys):
    own = write(tmp_path / "own.csv", rows(60), ("review", "label"))
    other = write(tmp_path / "other.csv", [*rows(2), *([text, "good"] for text in sentences(3, seed=1))])
    assert doctor(sentiment, own, "--data.text_column=review", f"--against={other}", "--data.test_share=0") == 1
    assert "also in the other corpus: 2" in capsys.readouterr().out
