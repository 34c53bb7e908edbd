"""The bad inputs: tables of what has once been found, or is known to be hard, and mutations from fixed seeds."""

import gzip
import io
import json
import random
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.fuzz_child import Case
from benchmarks.victim import Models

GOOD_CSV = "text,label\n" + "".join(
    f'"The {noun}, number {n}, is {word}.",{label}\n'
    for n, noun in enumerate(["film", "plot", "cast", "score", "end"] * 8)
    for word, label in [("lovely", "positive"), ("dull", "negative")]
)
ROWS = [{"text": f"The film number {n} is {'dull' if n % 2 else 'warm'}.", "label": n % 2} for n in range(80)]
SMALL = (
    *("--data.vectors=null", "--data.batch_size=8", "--model.embedding_dim=4", "--model.encoder.hidden_size=4"),
    *("--trainer.max_epochs=1", "--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false"),
)
TOKENS = [
    *(b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b'""', b"\r", b"\r\n", b"\n\n", b"\t", b";", b",", b"\xed\xa0\x80"),
    *(b"\\u0000", b"\\ud800", b"[" * 600, b"{" * 600, b"9" * 5000, b"1e999", b"NaN", b"null", b"\xf4\x90\x80\x80"),
    *("\u2028".encode(), "\u202e".encode(), b"\x1b[31m", b"-1", b"!!python/object/apply:os.system [id]", b"a" * 9000),
]


def write(name: str, content: bytes) -> Callable[[Path], None]:
    """Return what writes a file."""

    def prepare(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return prepare


def mutated(content: bytes, seed: str) -> bytes:
    """Return `content` with one to four changes."""
    draw, changed = random.Random(seed), bytearray(content)
    for _ in range(draw.randint(1, 4)):
        place = draw.randrange(len(changed) + 1)
        size = draw.choice([1, 2, 8, 64])
        match draw.randrange(6):
            case 0:
                changed[place : place + size] = draw.randbytes(size)
            case 1:
                del changed[place : place + size]
            case 2:
                changed[place:place] = changed[place : place + size] * draw.choice([1, 2, 500])
            case 3:
                changed[place:place] = draw.choice(TOKENS)
            case 4:
                del changed[place:]
            case 5:
                changed[place : place + 1] = bytes([(changed[place : place + 1] or b"\0")[0] ^ 1 << draw.randrange(8)])
    return bytes(changed)


# command lines


VALUES = [
    "",
    "-1",
    "0",
    "nan",
    ".inf",
    "1e400",
    "null",
    "[]",
    "{",
    "true",
    "x" * 250,
    "9" * 30,
    "/dev/null",
    ".",
    "a\nb",
]
FIT_OPTIONS = {
    "data": """corpus text_column label_column bad_rows val_share test_share drop_duplicates soft_targets delimiter
        batch_size max_length truncation min_freq max_vocab_size vectors pretrained num_workers tokenizer
        group_column""",
    "model": """learning_rate weight_decay warmup label_smoothing class_weights dropout embedding_dim encoder network
        encoder.hidden_size encoder.num_layers encoder.pooling encoder.merge""",
    "trainer": """max_epochs max_steps max_time devices accelerator strategy precision logger val_check_interval
        check_val_every_n_epoch accumulate_grad_batches limit_train_batches callbacks overfit_batches gradient_clip_val
        enable_checkpointing barebones default_root_dir num_nodes limit_val_batches limit_test_batches plugins
        log_every_n_steps deterministic detect_anomaly""",
}
KNOWN_OPTIONS = [
    *("--trainer.logger=false", "--seed_everything=-1", "--seed_everything=99999999999", "--data.num_workers=-1"),
    *("--trainer.devices=-1", "--trainer.devices=x", "--trainer.accelerator=tpu", "--trainer.val_check_interval=0"),
    *("--trainer.check_val_every_n_epoch=0", "--trainer.accumulate_grad_batches=0", "--data.batch_size=1e20"),
    *("--trainer.limit_train_batches=0.0001", "--trainer.overfit_batches=0.25", "--trainer.precision=16-true"),
    *("--trainer.enable_checkpointing=false", "--trainer.barebones=true", "--model.encoder.hidden_size=99999999"),
    *("--trainer.logger=project.loggers.WandbLogger", "--trainer.callbacks+=StochasticWeightAveraging"),
    *("--trainer.max_epochs=-1", "--trainer.precision=64-true", "--trainer.precision=16-mixed", "--model.dropout=2"),
    *("--model.class_weights=[0,0]", "--model.class_weights=[1]", "--optimizer=Adam", "--optimizer=NoSuch"),
    *("--optimizer=subprocess.Popen", "--trainer.logger=os.system", "--model.encoder=os.system", "--nonsense=1"),
    *("--config=missing.yaml", "--ckpt_path=missing.ckpt", "--ckpt_path=.", "--data.corpus=missing", "--resume=never"),
    *("--data.vectors=own.csv", "--data.pretrained=own.csv", "--data.tokenizer=own.csv", "--data.corpus=/etc/passwd"),
    *("--lr_scheduler=StepLR", "--optimizer.lr=4", "--without=none", "--trainer.default_root_dir=own.csv"),
]
OTHER_LINES = [
    *("", "nonsense", "--nonsense", "\udcff", "fit fit", "--help --help", "classify", "explain", "export", "serve"),
    *("predict", "test", "validate", "report", "report missing", "report own.csv", "results --runs missing"),
    *("results --runs own.csv", "compare", "compare a", "compare a b", "ensemble", "ensemble a b --output c.ckpt"),
    *("serve missing", "serve own.csv", "serve . --port -1", "serve . --port x", "shapes --ckpt_path missing x"),
    *(
        "teach --output t.csv --data.corpus=no",
        "ask --output a.jsonl --data.corpus=no",
        "word2vec --output w.pt --data.corpus=no",
    ),
    *("pretrain --output p.pt --data.corpus=no", "baselines --data.corpus=no", "doctor --data.corpus=no", "doctor"),
    *("classify --ckpt_path /etc/passwd x", "classify --ckpt_path /dev/null x", "classify --ckpt_path /dev x"),
]
MODEL_LINES = [
    *("classify --ckpt_path M --input own.csv", "classify --ckpt_path M --input own.csv --output ."),
    *("classify --ckpt_path M --input . --output o.csv", "classify --ckpt_path M --input own.csv --output no/o.csv"),
    *(
        "classify --ckpt_path M --input own.csv --output own.csv",
        "classify --ckpt_path M --input own.csv --output o.xls",
    ),
    *("classify --ckpt_path M --input own.csv --output o.csv --text_column=9", "classify --ckpt_path M \udcff"),
    *("classify --ckpt_path M --input own.csv --output o.csv --delimiter=ab", "classify --ckpt_path M --bad_rows=x a"),
    *(f"classify --ckpt_path M --input own.csv --output {'x' * 250}.csv", f"classify --ckpt_path {'x' * 5000} a"),
    *("explain --ckpt_path M --words=-1 a", "explain --ckpt_path M --words=x a", "explain --ckpt_path M \udcff"),
    *(
        "behaviour --ckpt_path M --tests own.csv",
        "behaviour --ckpt_path M --examples=-1",
        "compare M M --corpus own.csv",
    ),
    *(
        "compare M missing --corpus own.csv",
        "compare M M --corpus missing",
        "compare M M --corpus own.csv --examples=-1",
    ),
    *(
        "export --ckpt_path M --output own.csv",
        "export --ckpt_path M --texts=0",
        "export --ckpt_path M --corpus missing",
    ),
    *("calibrate --ckpt_path M --output o.ckpt --recall=2", "calibrate --ckpt_path M --output own.csv --overwrite=x"),
    *(
        "calibrate --ckpt_path M --output o.ckpt --abstain_below=nan",
        "ensemble M M --output own.csv",
        "ensemble M --output o",
    ),
    *(
        "test --ckpt_path M --data.corpus=missing",
        "test --ckpt_path M --model.embedding_dim=7",
        "predict --ckpt_path M",
    ),
    *("predict --ckpt_path M --output o.xls", "predict --ckpt_path M --output .", "shapes --ckpt_path M", "report M"),
]


def command_lines(models: Models) -> Iterator[Case]:
    """Yield options with senseless values, and commands with senseless words."""
    own = write("own.csv", GOOD_CSV.encode())
    fit = ("fit", "--data.corpus=own.csv", *SMALL)
    for option in KNOWN_OPTIONS:
        yield Case("command lines", option, (*fit, option), own)
    draw = random.Random("options")
    for group, names in FIT_OPTIONS.items():
        for name in names.split():
            for value in draw.sample(VALUES, 2):
                yield Case("command lines", option := f"--{group}.{name}={value}", (*fit, option), own)
    for line in OTHER_LINES:
        yield Case("command lines", line, tuple(line.split()), own)
    for line in MODEL_LINES:
        words = tuple(str(models.checkpoint) if word == "M" else word for word in line.split())
        yield Case("command lines", line[:80], words, own)


# configurations


YAMLS = [
    *("", "[]", "3", "null", "{", "a: [", "data: 3", "model: []", "trainer: null", "data: {corpus: [1, 2]}", "\t- x"),
    *(
        "data: &a [*a]",
        "data: {corpus: !!python/object/apply:os.system [id]}",
        "trainer: {logger: {class_path: os.system}}",
    ),
    *(
        "model: {encoder: {class_path: os.system, init_args: {}}}",
        "trainer: {callbacks: [{class_path: subprocess.Popen}]}",
    ),
    *(
        "x" * 100_000,
        "a: " * 2000,
        "[" * 3000,
        "{" * 3000,
        "- " * 3000,
        "data: {corpus: own.csv}\ndata: {corpus: other}",
    ),
    *(
        "data: {batch_size: 1e400}",
        "data: {batch_size: .nan}",
        "seed_everything: [1]",
        "ckpt_path: {a: b}",
        "\x00",
        "\ud800",
    ),
    "a: &a [x, x, x, x, x, x, x, x, x]\n"
    + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
    "? [a, b]\n: c",
]
GOOD_YAML = b"""
seed_everything: 1
data:
  corpus: own.csv
  batch_size: 8
model:
  dropout: 0.1
trainer:
  max_epochs: 1
"""


def configurations(models: Models) -> Iterator[Case]:
    """Yield configurations."""
    contents = [text.encode("utf-8", "surrogatepass") for text in YAMLS]
    contents += [mutated(GOOD_YAML, f"yaml {n}") for n in range(25)]
    for content in contents:

        def prepare(folder: Path, content: bytes = content) -> None:
            (folder / "own.csv").write_text(GOOD_CSV)
            (folder / "bad.yaml").write_bytes(content)

        words = ("fit", "--config=bad.yaml", "--data.corpus=own.csv", *SMALL)
        yield Case("configurations", repr(content[:60]), words, prepare)


# files of texts


CSVS = [
    *(b"", b"\n", b"\0", b"text", b"text,label", b"text,label\n", b"label\n1\n", b'text,label\n"', b"text,text\na,b\n"),
    *(b'"text,label\na,b\n', b"text,label\n" + b'"' * 99, b"text,label\na\0b,1\n", b"\xff\xfetext", b"\xff\xfe\0"),
    *(b"sep=\n", b"sep=;\ntext;label\na;b\n", b'sep="\na', b"text,label\n\xff\xff,1\n", b"text,label\na,b,c,d\n"),
    *(b"text,label\r" * 9, b"text,label\n" + b"a," * 100_000, b"text,label\n" + b"a,1\n" * 3 + b'"' + b"x\n" * 5000),
    *(b",".join(b"c%d" % n for n in range(30_000)) + b"\n1\n", b"c" * 3_000_000 + b",label\na,b\n"),
    *(b"text,label\n" + b"x" * 11_000_000 + b",1\n", b"text,label\n" + b"x " * 40_000_000 + b",1\n"),
    *(b"text,label\n" + b"good,1\n\n" * 9, b"text,label\n=cmd|' /C calc'!A0,1\n", b"text,predicted\na,b\n"),
    *(
        b"text,label\n" + ",".join("a" * 400 for _ in range(400)).encode(),
        "text,label\n\ud800,1\n".encode("utf-8", "surrogatepass"),
    ),
]
JSONLS = [
    *(
        b"",
        b"{",
        b"[]",
        b"3",
        b"null",
        b'"text"',
        b"{}",
        b'{"text": 3}',
        b'{"text": null}',
        b'{"text": []}',
        b'{"text": {}}',
    ),
    *(b'{"text": "a", "x": ' + b"[" * 3000 + b"]" * 3000 + b"}", b"[" * 100_000, b'{"a":' * 100_000),
    *(b'{"text": "a", "x": ' + b"[" * n + b"]" * n + b"}" for n in (50, 200, 400, 700, 850, 950)),
    *(b'{"text": "a", "x": ' + b'{"a":' * n + b"1" + b"}" * n + b"}" for n in (400, 850)),
    *(b'{"text": "a", "n": ' + b"9" * n + b"}" for n in (20, 400, 4000, 5000)),
    *(b'{"text": "a", "n": %s}' % n for n in (b"1e999", b"-1e999", b"NaN", b"Infinity", b"1" + b"0" * 18)),
    *(b'{"text": "\\ud800"}', b'{"text": "a\\u0000b"}', b'{"text": "a", "\\ud800": 1}', b'{"": 1, "text": "a"}'),
    *(
        b'{"text": "a"}\n{"label": 1}',
        b'{"text": "a", "text": "b"}',
        b'{"text": "a", "predicted": 1}',
        b"\xff\xfe{\0}\0",
    ),
    *(b'{"text": "' + b"x" * 11_000_000 + b'"}', b'{"text": "' + b"x " * 40_000_000 + b'"}'),
    *(b"".join(b'{"text": "a", "c%d": 1}\n' % n for n in range(9000)),),
]


def texts(models: Models) -> Iterator[Case]:
    """Yield files of texts, and the same packed."""
    good_jsonl = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
    good = {"csv": GOOD_CSV.encode(), "tsv": GOOD_CSV.replace(",", "\t").encode(), "jsonl": good_jsonl}
    contents = {"csv": list(CSVS), "tsv": [each.replace(b",", b"\t") for each in CSVS[::3]], "jsonl": list(JSONLS)}
    for kind, bad in contents.items():
        bad += [mutated(good[kind], f"{kind} {n}") for n in range(60 if kind == "csv" else 45)]
        for number, content in enumerate(bad):
            yield from on_file(models, f"bad.{kind}", number, content)
    for number in range(40):
        kind = ("csv", "jsonl")[number % 2]
        yield from on_file(models, f"bad.{kind}.gz", number, mutated(gzip.compress(good[kind]), f"gz {number}"))


def on_file(models: Models, name: str, number: int, content: bytes) -> Iterator[Case]:
    """Yield the commands that read a file: the first is for all files, others for some."""
    prepare, kind = write(name, content), f"files of texts: {name.partition('.')[2]}"
    output = f"out.{('csv', 'jsonl', 'parquet', 'tsv')[number % 4]}"
    skip = ("--bad_rows=skip",) if number % 2 else ()
    words = ("classify", "--ckpt_path", models.quick, "--input", name, "--output", output, *skip)
    yield Case(kind, f"{number} classify {content[:40]!r}", words, prepare)
    if number % 6 == 0:
        words = ("fit", f"--data.corpus={name}", *(("--data.bad_rows=skip",) if number % 4 else ()), *SMALL)
        yield Case(kind, f"{number} fit {content[:40]!r}", words, prepare)
    if number % 9 == 1:
        yield Case(
            kind,
            f"{number} doctor {content[:40]!r}",
            ("doctor", f"--data.corpus={name}", "--data.vectors=null"),
            prepare,
        )


# standard input


def streams(models: Models) -> Iterator[Case]:
    """Yield what is piped to `classify` and `explain`."""
    contents = [
        b"",
        b"\n",
        b"\0",
        b"\xff\n",
        b"a\r\n",
        b"\xef\xbb\xbf",
        b"x" * 5_000_000,
        b"x " * 20_000_000,
        b"\n" * 500_000,
    ]
    contents += [mutated(b"A lovely film.\nA dull plot.\n", f"lines {n}") for n in range(12)]
    for number, content in enumerate(contents):
        command = ("classify", "explain")[number % 4 == 3]
        skip = ("--bad_rows=skip",) if number % 2 else ()
        yield Case(
            "standard input", f"{number} {content[:40]!r}", (command, "--ckpt_path", models.quick, *skip), stdin=content
        )


# Parquet


def write_parquet(columns: dict[str, Any], folder: Path, **settings: Any) -> None:
    """Write a Parquet file of columns, each a list or an Arrow array."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table(columns), folder / "bad.parquet", **settings)


def repeated(count: int, size: int, folder: Path, nested: bool = False) -> None:
    """Write `count` times one text of `size` characters."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    column = pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), ["a " * (size // 2)])
    if nested:
        offsets = pa.array(range(count + 1), pa.int32())
        table = pa.table({"text": ["a"] * count, "x": pa.ListArray.from_arrays(offsets, column)})
    else:
        table = pa.table({"text": column})
    pq.write_table(table, folder / "bad.parquet", compression="zstd")


def good_parquet() -> bytes:
    """Return a small Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), buffer)
    return buffer.getvalue()


def parquets(models: Models) -> Iterator[Case]:
    """Yield Parquet files: bombs, odd types, damage."""
    import pyarrow as pa

    def odd(column: Any) -> Callable[[Path], None]:
        return partial(write_parquet, {"text": ["a", "b"], "x": column})

    not_utf8 = pa.StringArray.from_buffers(1, pa.py_buffer(b"\0\0\0\0\x02\0\0\0"), pa.py_buffer(b"\xff\xff"))
    tables: dict[str, Callable[[Path], None]] = {
        "4 GB of one text": partial(repeated, 4000, 1_000_000),
        "4 GB of one text in lists": partial(repeated, 4000, 1_000_000, nested=True),
        "one text of 40 MB": partial(repeated, 1, 40_000_000),
        "50 million rows": lambda folder: write_parquet({"text": pa.nulls(50_000_000, pa.string())}, folder),
        "5 million equal rows": partial(repeated, 5_000_000, 2),
        "not UTF-8": partial(write_parquet, {"text": not_utf8}),
        "dates out of range": odd(pa.array([2**62, -(2**62)], pa.timestamp("us"))),
        "days out of range": odd(pa.array([2**30, 5], pa.date32())),
        "durations": odd(pa.array([2**62, 5], pa.duration("us"))),
        "decimals": odd(pa.array([None, 10**30], pa.decimal128(38, 0))),
        "64 bits": odd(pa.array([2**64 - 1, 0], pa.uint64())),
        "maps": odd(pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int32()))),
        "bytes": odd(pa.array([b"\xff", b"\0"], pa.binary())),
        "no columns": partial(write_parquet, {}),
        "other columns": partial(write_parquet, {"x": ["a"]}),
        "two of one name": lambda folder: write_parquet_twice(folder),
        "numbers for texts": partial(write_parquet, {"text": [1.5, None]}),
        "no rows": partial(write_parquet, {"text": pa.array([], pa.string())}),
    }
    for name, prepare in tables.items():
        for output in ("out.csv", "out.parquet"):
            words = (
                "classify",
                "--ckpt_path",
                models.quick,
                "--input",
                "bad.parquet",
                "--output",
                output,
                "--bad_rows=skip",
            )
            yield Case("files of texts: parquet", f"{name} {output}", words, prepare)
    whole = good_parquet()
    for number in range(45):
        yield from on_file(models, "bad.parquet", number, mutated(whole, f"parquet {number}"))


def write_parquet_twice(folder: Path) -> None:
    """Write a Parquet file with two columns of one name."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], ["text", "text"]), folder / "bad.parquet")


# packed files


def gzipped(start: bytes, block: bytes, times: int, folder: Path, name: str = "bad.csv.gz") -> None:
    """Write a packed file that begins with `start` and goes on with many equal blocks."""
    with gzip.open(folder / name, "wb", compresslevel=1 if times < 100 else 6) as file:
        file.write(start)
        for _ in range(times):
            file.write(block)


def zipped(block: bytes, times: int, folder: Path, names: tuple[str, ...] = ("v.txt",)) -> None:
    """Write a zip archive with files of equal blocks."""
    with zipfile.ZipFile(folder / "bad.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            with archive.open(name, "w") as file:
                for _ in range(times):
                    file.write(block)


def good_zip() -> bytes:
    """Return a small archive of word vectors."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("v.txt", "".join(f"{word} 0.1 0.2 0.3 0.4\n" for word in ("film", "plot", "dull", "warm")))
    return buffer.getvalue()


def packed(models: Models) -> Iterator[Case]:
    """Yield bombs, and archives of word vectors."""
    mega = b"a" * 2**20
    bombs: dict[str, Callable[[Path], None]] = {
        "one line of 1 GB": partial(gzipped, b"text,label\n", mega, 1000),
        "a header of 1 GB": partial(gzipped, b"", mega, 1000),
        "1 GB of blank lines": partial(gzipped, b"text,label\n", b"\n" * 2**20, 1000),
        "20 MB of equal rows": partial(gzipped, b"text,label\n", b"good,1\n" * 150_000, 20),
        "a quotation mark, then 20 MB": partial(gzipped, b'text,label\n"', b"good,1\n" * 150_000, 20),
        "1 GB of tabs": partial(gzipped, b"text,label\n", b"\t" * 2**20, 1000),
    }
    for name, prepare in bombs.items():
        words = (
            "classify",
            "--ckpt_path",
            models.quick,
            "--input",
            "bad.csv.gz",
            "--output",
            "out.csv",
            "--bad_rows=skip",
        )
        yield Case("bombs", name, words, prepare)
        if "line" in name:
            jsonl = ("fit", "--data.corpus=bad.jsonl.gz", *SMALL)

            def renamed(folder: Path, prepare: Callable[[Path], None] = prepare) -> None:
                prepare(folder)
                (folder / "bad.csv.gz").rename(folder / "bad.jsonl.gz")

            yield Case("bombs", f"{name}, as JSONL", jsonl, renamed)
    vectors: dict[str, Callable[[Path], None]] = {
        "one line of 1 GB": partial(zipped, mega, 1000),
        "100 MB of equal lines": partial(zipped, b"film 0 0 0 0\n" * 80_000, 100),
        "1 GB of blank lines": partial(zipped, b"\n" * 2**20, 1000),
        "other names": partial(zipped, b"film 0 0 0 0\n", 1, names=("../v.csv", "/etc/passwd")),
        "no files": partial(zipped, b"", 0, names=()),
        "empty": partial(zipped, b"", 0),
        "a header that lies": partial(zipped, b"999999999 999999999\nfilm 0 0\n", 1),
        "a negative header": partial(zipped, b"1 -3\nfilm 0 0\n", 1),
        "words for a header": partial(zipped, b"film x\nfilm 0 0\n", 1),
        "not UTF-8": partial(zipped, b"\xff 0 0\n", 1),
        "10,000 files": partial(zipped, b"film 0 0 0 0\n", 1, names=tuple(f"{n}.txt" for n in range(10_000))),
    }
    vectors |= {f"mutation {n}": write("bad.zip", mutated(good_zip(), f"zip {n}")) for n in range(25)}
    for name, prepare in vectors.items():
        corpus = f"--data.corpus={models.checkpoint.parent / 'own.csv'}"
        yield Case("word vectors: zip", name, ("fit", corpus, *SMALL, "--data.vectors=bad.zip"), prepare)


PARTS: list[Callable[[Models], Iterator[Case]]] = [
    command_lines,
    configurations,
    texts,
    streams,
    parquets,
    packed,
]
