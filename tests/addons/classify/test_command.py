import csv
import gzip
import io
import json
import os
import select
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from project import load

ROWS = [("1", "A dull film."), ("2", 'The music is "lovely", and wise.'), ("3", "unseen\nwords")]
NAMES = ("a.csv", "a.tsv", "a.jsonl", "a.parquet", "a.csv.gz", "a.tsv.gz", "a.jsonl.gz")


@pytest.fixture
def checkpoint(fitted) -> Path:
    path: Path = fitted / "checkpoints" / "best.ckpt"
    return path


def write(name: str) -> Path:
    """A file of ROWS in the format that its name tells."""
    path = Path(name)
    if name.endswith(".parquet"):
        pq.write_table(pa.table({"id": [r[0] for r in ROWS], "text": [r[1] for r in ROWS]}), path)
        return path
    buffer = io.StringIO()
    if ".jsonl" in name:
        buffer.writelines(json.dumps({"id": i, "text": text}) + "\n" for i, text in ROWS)
    else:
        csv.writer(buffer, delimiter="\t" if ".tsv" in name else ",").writerows([("id", "text"), *ROWS])
    content = buffer.getvalue().encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


def read(path: Path) -> list[dict[str, Any]]:
    """Rows of a file that classify wrote."""
    if path.name.endswith(".parquet"):
        return pq.read_table(path).to_pylist()
    content = gzip.decompress(path.read_bytes()) if path.name.endswith(".gz") else path.read_bytes()
    text = content.decode("utf-8", "surrogateescape")
    if ".jsonl" in path.name:
        return [json.loads(line) for line in text.splitlines()]
    return list(csv.DictReader(io.StringIO(text), delimiter="\t" if ".tsv" in path.name else ","))


def test_label_probability_and_text_are_printed(sentiment, checkpoint, capsys):
    assert sentiment("classify", "--ckpt_path", checkpoint, "A dull film.", "Warm.") == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[2] for row in rows] == ["A dull film.", "Warm."]
    assert all(row[0] in ("negative", "positive") and 0.5 <= float(row[1]) <= 1 for row in rows)


def test_the_command_imports_neither_lightning_nor_torchtext():
    heavy = ["lightning", "torchtext", "wandb"]
    code = f"import sys, project.addons.classify.command; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("source", NAMES)
def test_rows_of_a_file_get_their_predictions(sentiment, checkpoint, source):
    assert sentiment("classify", "--ckpt_path", checkpoint, "--input", write(source), "--output", "out.csv") == 0
    rows = read(Path("out.csv"))
    assert [(row["id"], row["text"]) for row in rows] == ROWS
    for row, prediction in zip(rows, load(checkpoint)([text for _, text in ROWS]), strict=True):
        assert row["predicted"] == prediction.label
        assert float(row["p_positive"]) == pytest.approx(prediction.probabilities["positive"], abs=1e-6)


@pytest.mark.parametrize("target", NAMES)
def test_every_format_is_written(sentiment, checkpoint, target):
    output = Path(f"out{target[1:]}")
    assert sentiment("classify", "--ckpt_path", checkpoint, "--input", write("a.csv"), "--output", output) == 0
    rows = read(output)
    assert [(row["id"], row["text"]) for row in rows] == ROWS
    assert list(rows[0]) == ["id", "text", "predicted", "p_negative", "p_positive"]


def test_predict_and_classify_write_the_same(sentiment, checkpoint):
    write("a.csv")
    quiet = ("--trainer.enable_progress_bar=false", "--trainer.accelerator=cpu")
    assert sentiment("classify", "--ckpt_path", checkpoint, "--input", "a.csv", "--output", "one.csv") == 0
    words = ("--data.corpus=a.csv", "--output=two.csv", *quiet)
    assert sentiment("predict", f"--ckpt_path={checkpoint}", *words) == 0
    one, two = read(Path("one.csv")), read(Path("two.csv"))
    assert [(*list(row), row["predicted"]) for row in one] == [(*list(row), row["predicted"]) for row in two]
    for a, b in zip(one, two, strict=True):
        assert float(a["p_positive"]) == pytest.approx(float(b["p_positive"]), abs=2e-6)


def test_file_without_header_and_with_its_own_delimiter(sentiment, checkpoint):
    Path("a.csv").write_text("7|A dull film, really.\n")
    words = ("--input", "a.csv", "--output", "out.csv", "--text_column=2", "--delimiter=|")
    assert sentiment("classify", "--ckpt_path", checkpoint, *words) == 0
    assert [list(row.values())[:2] for row in read(Path("out.csv"))] == [["7", "A dull film, really."]]


def test_found_delimiter_is_told(sentiment, checkpoint, capsys):
    Path("a.csv").write_text("id;text\n7;Warm.\n")
    assert sentiment("classify", "--ckpt_path", checkpoint, "--input", "a.csv", "--output", "out.csv") == 0
    assert "a.csv:2: columns are separated by ';'" in capsys.readouterr().err


def test_columns_that_come_late_are_kept(sentiment, checkpoint):
    Path("a.jsonl").write_text('{"text": "Warm."}\n{"text": "Cold.", "id": 7}\n')
    assert sentiment("classify", "--ckpt_path", checkpoint, "--input", "a.jsonl", "--output", "out.parquet") == 0
    assert [row["id"] for row in read(Path("out.parquet"))] == [None, 7]


def test_row_without_a_text_is_a_bad_row(sentiment, checkpoint, capsys):
    Path("a.jsonl").write_text('{"text": "Warm."}\n{"id": 7}\n')
    words = ("--input", "a.jsonl", "--output", "out.jsonl", "--bad_rows=skip")
    assert sentiment("classify", "--ckpt_path", checkpoint, *words) == 0
    assert "a.jsonl:2: the text is missing" in capsys.readouterr().err


@pytest.mark.slow
def test_many_rows_keep_their_order(sentiment, checkpoint):
    texts = [f"{'dull ' * (n % 7)}film {n}" for n in range(10_000)]
    Path("a.jsonl").write_text("".join(json.dumps({"n": n, "text": t}) + "\n" for n, t in enumerate(texts)))
    assert sentiment("classify", "--ckpt_path", checkpoint, "--input", "a.jsonl", "--output", "out.jsonl") == 0
    assert [(row["n"], row["text"]) for row in read(Path("out.jsonl"))] == list(enumerate(texts))


ODD = b"id,text\n1,A dull film.\n2,\n3,Caf\xe9\n4,too,many\n5,Warm.\n"


def test_a_bad_row_is_one_line_and_leaves_nothing(sentiment, checkpoint, capsys):
    Path("a.csv").write_bytes(ODD)
    assert sentiment("classify", "--ckpt_path", checkpoint, "--input", "a.csv", "--output", "out.csv") == 2
    assert capsys.readouterr().err == "error: a.csv:3: the text is empty; fix it, or add --bad_rows=skip\n"
    assert sorted(path.name for path in Path().iterdir()) == ["a.csv", "runs"]


def test_bad_rows_are_kept_without_a_prediction(sentiment, checkpoint, capsys):
    Path("a.csv").write_bytes(ODD)
    words = ("--input", "a.csv", "--output", "out.csv", "--bad_rows=skip")
    assert sentiment("classify", "--ckpt_path", checkpoint, *words) == 0
    rows = read(Path("out.csv"))
    assert [row["id"] for row in rows] == ["1", "2", "3", "", "5"]
    assert [bool(row["predicted"]) for row in rows] == [True, False, False, False, True]
    assert rows[2]["text"].encode("utf-8", "surrogateescape") == b"Caf\xe9"
    assert "3 bad rows have no prediction, the first is a.csv:3: the text is empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--input", "a.csv"], "a file needs both"),
        (["--input", "a.csv", "--output", "b.csv", "text"], "one text too many"),
        (["--input", "no.csv", "--output", "b.csv"], "no.csv does not exist"),
        (["--input", "a.txt", "--output", "b.csv"], "the name should end in .csv, .tsv"),
        (["--input", "a.csv", "--output", "b.xls"], "should end in one of"),
        (["--input", "a.csv", "--output", "no/b.csv"], "the folder no does not exist"),
        (
            ["--input", "a.csv", "--output", "b.csv", "--text_column", "body"],
            "a.csv:2: no column 'body', only id, text",
        ),
        (["--input", "bad.parquet", "--output", "b.csv"], "bad.parquet cannot be read as parquet"),
        (["--input", "a.csv", "--output", "b.csv", "--delimiter", ";;"], "it should be one character"),
        (["--input", "has.csv", "--output", "b.csv"], "already has a column 'predicted'"),
    ],
)
def test_mistakes_are_one_line(sentiment, checkpoint, capsys, words, message):
    Path("a.csv").write_text("id,text\n1,Warm.\n")
    Path("a.txt").write_text("Warm.\n")
    Path("bad.parquet").write_text("Warm.\n")
    Path("has.csv").write_text("text,predicted\nWarm.,good\n")
    assert sentiment("classify", "--ckpt_path", checkpoint, *words) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_each_line_is_answered_before_the_next_is_there(sentiment, checkpoint, monkeypatch):
    (stdin, ask), (answers, stdout) = os.pipe(), os.pipe()
    with os.fdopen(stdin) as file, os.fdopen(stdout, "w") as printed, ThreadPoolExecutor(1) as pool:
        monkeypatch.setattr("sys.stdin", file)
        monkeypatch.setattr("sys.stdout", printed)
        exit_code = pool.submit(sentiment, "classify", "--ckpt_path", checkpoint)
        try:
            for text in (b"A dull film.\n", b"Warm.\n"):
                os.write(ask, text)
                assert select.select([answers], [], [], 20)[0], "no answer in 20 seconds"
                assert os.read(answers, 1000).endswith(text)
        finally:
            os.close(ask)
        assert exit_code.result() == 0
    os.close(answers)


@pytest.mark.slow
def test_killed_half_way_there_is_no_file_under_the_final_name(checkpoint):
    command = [sys.executable, "-m", "project", "classify", "--ckpt_path", str(checkpoint)]
    Path("a.csv").write_text("text\n" + "A dull film.\n" * 300_000)
    process = subprocess.Popen([*command, "--input", "a.csv", "--output", "out.csv"])
    while not list(Path().glob(".out.csv.*")):
        time.sleep(0.05)
        assert process.poll() is None
    process.kill()
    process.wait()
    assert not Path("out.csv").exists()
