import csv
import io
import json
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from project.addons.explain import command
from project.registry import registered


@pytest.fixture
def checkpoint(fitted) -> Path:
    path: Path = fitted / "checkpoints" / "best.ckpt"
    return path


@pytest.fixture
def explained(sentiment, checkpoint):
    """Explain a file; return the exit code."""

    def run(source: str, target: str, *words: str) -> int:
        code: int = sentiment("explain", "--ckpt_path", checkpoint, "--input", source, "--output", target, *words)
        return code

    return run


def rows_of(path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(Path(path).read_text())))


def test_texts_are_explained(sentiment, checkpoint, capsys):
    assert sentiment("explain", "--ckpt_path", checkpoint, "A dull film.", "Warm and wise.") == 0
    lines = capsys.readouterr().out.splitlines()
    assert {"A dull film.", "Warm and wise."} <= set(lines)
    assert sum(line.startswith(("  negative: ", "  positive: ")) for line in lines) == 2


def test_lines_of_standard_input_are_explained(sentiment, checkpoint, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"\xef\xbb\xbfA dull film.\r\n\nWarm.")))
    assert sentiment("explain", "--ckpt_path", checkpoint, "--bad_rows=skip") == 0
    printed = capsys.readouterr()
    assert [line for line in printed.out.splitlines() if line[:1].strip()] == ["A dull film.", "Warm."]
    assert printed.err == "standard input:2: the text is empty\n"


def test_a_line_of_standard_input_is_bounded(sentiment, checkpoint, capsys, monkeypatch):
    monkeypatch.setattr(command, "LONGEST", 50)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"good " * 20)))
    assert sentiment("explain", "--ckpt_path", checkpoint) == 2
    assert "error: standard input: a line has more than 50 bytes" in capsys.readouterr().err


def test_rows_of_a_file_get_label_and_words(explained):
    Path("a.csv").write_text("id,text\n7,The film is lovely.\n8,Noisy.\n")
    assert explained("a.csv", "b.csv", "--words=1") == 0
    first, second = rows_of("b.csv")
    assert list(first) == ["id", "text", "predicted", "p_negative", "p_positive", "words"]
    assert (first["id"], first["text"], second["id"]) == ("7", "The film is lovely.", "8")
    words = json.loads(first["words"])
    assert 1 <= len(words) <= 2
    assert all(each["word"] in ["The", "film", "is", "lovely."] for each in words)


@pytest.mark.parametrize("target", ["b.jsonl", "b.parquet", "b.tsv.gz"])
def test_every_format_is_written(explained, target):
    Path("a.csv").write_text("id,text\n7,Noisy.\n")
    assert explained("a.csv", target) == 0
    assert Path(target).stat().st_size > 0


def test_words_are_a_list_in_jsonl(explained):
    Path("a.jsonl").write_text('{"text": "A dull film."}\n')
    assert explained("a.jsonl", "b.jsonl") == 0
    (row,) = map(json.loads, Path("b.jsonl").read_text().splitlines())
    assert all(isinstance(each["effect"], float) for each in row["words"])


def test_columns_of_later_rows_are_kept(explained):
    Path("a.jsonl").write_text('{"text": "Warm."}\n{"text": "Cold.", "id": 7}\n')
    assert explained("a.jsonl", "b.csv") == 0
    assert [row["id"] for row in rows_of("b.csv")] == ["", "7"]


def test_types_of_columns_are_kept(explained):
    pq.write_table(pa.table({"id": pa.array([7], pa.int16()), "text": ["Warm."]}), "a.parquet")
    assert explained("a.parquet", "b.parquet") == 0
    assert pq.read_schema("b.parquet").field("id").type == pa.int16()


def test_bad_rows_are_kept_without_a_prediction(explained, capsys):
    Path("a.csv").write_bytes(b"id,text\n0,too,many\n1,\n2,Caf\xe9\n3,Warm.\n")
    assert explained("a.csv", "b.csv", "--bad_rows=skip") == 0
    rows = list(csv.DictReader(io.StringIO(Path("b.csv").read_text(errors="surrogateescape"))))
    assert [row["id"] for row in rows] == ["", "1", "2", "3"]
    assert [bool(row["predicted"]) for row in rows] == [False, False, False, True]
    assert "3 bad rows have no prediction, the first is a.csv:2: " in capsys.readouterr().err


def test_bad_row_is_one_line_and_leaves_nothing(explained, capsys):
    Path("a.csv").write_text("id,text\n1,Warm.\n2,\n")
    assert explained("a.csv", "b.csv") == 2
    assert capsys.readouterr().err == "error: a.csv:3: the text is empty; fix it, or add --bad_rows=skip\n"
    assert not Path("b.csv").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--input", "a.csv"], "a file needs both"),
        (["--input", "a.csv", "--output", "b.csv", "text"], "one text too many"),
        (["--input", "no.csv", "--output", "b.csv"], "no.csv does not exist"),
        (["--input", "a.txt", "--output", "b.csv"], "the name should end in .csv, .tsv"),
        (["--input", "a.csv", "--output", "a.csv"], "a.csv exists already"),
        (["--input", "a.csv", "--output", "b.csv", "--text_column", "body"], "a.csv: no column 'body', only id, text"),
        (["--words", "0", "text"], "words is 0: set --words=1 or more"),
        (["Warm.", " "], "text 2: the text is empty"),
    ],
)
def test_mistakes_are_one_line(sentiment, checkpoint, capsys, words, message):
    Path("a.csv").write_text("id,text\n1,Warm.\n")
    Path("a.txt").write_text("Warm.\n")
    assert sentiment("explain", "--ckpt_path", checkpoint, *words) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.skipif("export" not in registered("COMMANDS"), reason="needs project/export")
def test_a_bundle_explains_as_its_checkpoint_does(sentiment, checkpoint, capsys):
    assert sentiment("export", "--ckpt_path", checkpoint, "--output", "bundle") == 0
    answers = []
    for model in (checkpoint, "bundle"):
        capsys.readouterr()
        assert sentiment("explain", "--ckpt_path", model, "The film is lovely, and wise.") == 0
        answers.append(capsys.readouterr().out)
    assert answers[0] == answers[1]
