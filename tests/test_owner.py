"""What an owner changes, played: a copy of this tree, the change, and the commands that have to follow it."""

import csv
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from project.registry import registered
from tests.conftest import SMALL, test_figures, toy_rows, write_csv
from tests.copies import run, tree_without

pytestmark = pytest.mark.slow

# one process for all commands: to start one takes longer than most commands
COMMANDS = """
import json, sys
sys.stderr = sys.stdout
from project.__main__ import main
for words in json.loads(sys.argv[1]):
    sys.argv = ["sentiment", *words]
    print("exit", words[0], main(), flush=True)
"""
FIT = ("fit", "--data.corpus=toy", "--trainer.max_epochs=1", *SMALL)
BEST = "runs/version_0/checkpoints/best.ckpt"
CKPT = f"--ckpt_path={BEST}"
QUIET = ("--trainer.enable_progress_bar=false",)
CLASSIFY = [("classify", CKPT, "A dull film.")] if "classify" in registered("COMMANDS") else []


@pytest.fixture
def tree(tmp_path, toy) -> Path:
    copy = tree_without(tmp_path / "copy", [])
    (copy / "toy").symlink_to(toy)
    return copy


def edit(file: Path, *changes: tuple[str, str]) -> None:
    """Replace pieces of a file, each of which it has once; an empty piece stands for its end."""
    text = file.read_text()
    for old, new in changes:
        assert old == "" or text.count(old) == 1, old
        text = text.replace(old, new) if old else text + new
    file.write_text(text)


def sentiment(tree: Path, *commands: tuple[str, ...]) -> str:
    """Run commands in the copy; return what they and their exit codes print."""
    return run(tree, sys.executable, "-W", "ignore", "-c", COMMANDS, json.dumps(commands))


def python(tree: Path, code: str) -> str:
    return run(tree, sys.executable, "-W", "ignore", "-c", code).strip()


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as opened:
        return list(csv.DictReader(opened))


def exits(printed: str) -> list[str]:
    return [line.removeprefix("exit ") for line in printed.splitlines() if line.startswith("exit ")]


ENCODER = """

class Extremes(Encoder):
    def __init__(self, embedding_dim: int, scale: float = 1.0) -> None:
        super().__init__()
        self.scale, self.output_size = nn.Parameter(torch.tensor(scale)), embedding_dim

    def forward(self, embedded: PackedSequence) -> Tensor:
        return max_pooling(embedded) * self.scale
"""


def test_an_encoder_is_one_class(tree):
    edit(tree / "project" / "encoder.py", ("", ENCODER))
    own = [word for word in FIT if "encoder" not in word]
    printed = sentiment(
        tree,
        (*own, "--model.encoder=Extremes", "--model.encoder.scale=2.0"),
        ("test", CKPT, *QUIET),
        ("predict", CKPT, "--output=out.csv", *QUIET),
        *CLASSIFY,
        (*own, "--model.encoder=Extreme"),
    )
    assert exits(printed) == ["fit 0", "test 0", "predict 0", *(["classify 0"] * len(CLASSIFY)), "fit 2"]
    assert "error: --model.encoder=Extreme: there is no such class" in printed
    assert len(rows_of(tree / "out.csv")) == 10
    if (tree / "project" / "export").is_dir():
        refused = sentiment(tree, ("export", "--ckpt_path", BEST, "--output", "bundle"))
        assert "Extremes" in next(line for line in refused.splitlines() if line.startswith("error: "))


def test_pooling_merge_and_metric_are_an_entry_each(tree):
    first = '    "first": lambda size: lambda tokens: pad_packed_sequence(tokens, batch_first=True)[0][:, 0],\n'
    edit(
        tree / "project" / "encoder.py",
        ('    "max": lambda size: max_pooling,\n', first + '    "max": lambda size: max_pooling,\n'),
        ('    "sum": torch.add,\n', '    "sum": torch.add,\n    "max": torch.maximum,\n'),
    )
    f1 = '            "f1": MacroF1(num_classes, average="none"),\n'
    kappa = '            "kappa": classification.MulticlassCohenKappa(num_classes),\n'
    edit(tree / "project" / "head.py", (f1, f1 + kappa))
    chosen = ("--model.encoder.pooling=first", "--model.encoder.merge=max")
    printed = sentiment(
        tree,
        (*FIT, *chosen),
        *CLASSIFY,
        (*FIT, "--model.encoder.pooling=median"),
    )
    assert exits(printed) == ["fit 0", *(["classify 0"] * len(CLASSIFY)), "fit 2"]
    assert "error: pooling is 'median': choose one of last, mean, first, max, attention" in printed
    assert "test/kappa" in test_figures(tree / "runs" / "version_0")
    if (tree / "project" / "export").is_dir():
        assert exits(sentiment(tree, ("export", "--ckpt_path", BEST, "--output", "bundle"))) == ["export 2"]


def test_an_edited_tokenizer_is_followed_everywhere(tree):
    write_csv(tree / "rows.csv", [(text.replace(" is ", "-is "), label) for text, label in toy_rows()])
    fit = ("fit", "--data.corpus=rows.csv", "--trainer.max_epochs=1", *SMALL)
    assert exits(sentiment(tree, fit)) == ["fit 0"]
    edit(tree / "project" / "text.py", ("    return text.lower()", '    return text.lower().replace("-", " ")'))
    again = BEST.replace("version_0", "version_1")
    printed = sentiment(
        tree,
        ("predict", CKPT, "--data.corpus=rows.csv", "--output=out.csv", *QUIET),
        fit,
        ("predict", f"--ckpt_path={again}", "--output=out.csv", *QUIET),
    )
    assert exits(printed) == ["predict 2", "fit 0", "predict 0"]
    assert "error: the model was trained with another tokenizer: project/text.py splits" in printed
    encode = "from project import load; print(*(load(%r).tokenizer.encode(text) for text in ('film-is', 'film is')))"
    one, other = python(tree, encode % again).split("] [")
    assert one.strip("[]") == other.strip("[]")
    if (tree / "project" / "export").is_dir():
        assert exits(sentiment(tree, ("export", "--ckpt_path", again, "--output", "bundle"))) == ["export 0"]
        assert python(tree, encode % "bundle") == python(tree, encode % again)


LOGGER = """

from typing import Any

from lightning.pytorch.loggers.logger import Logger


class Lines(Logger):
    name, version = "lines", 0

    def log_metrics(self, metrics: Any, step: Any = None) -> None:
        print("metrics", *metrics)

    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        pass
"""
CALLBACK = """

class Shout(L.Callback):
    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        print("the end of", trainer.max_epochs)
"""
CORPUS = """

def mine(name: str) -> Source:
    return ingest.file_source(name, Path("rows.csv"))


CORPORA["mine"] = mine
"""


MARKDOWN = """                if kind == "md":
                    file.writelines(f"{row['text']}: {row['predicted']}\\n" for row in rows)
"""


def test_corpus_callback_logger_and_output_format_are_one_place_each(tree):
    write_csv(tree / "rows.csv", toy_rows())
    edit(tree / "project" / "corpora.py", ("", CORPUS))
    edit(tree / "project" / "callbacks.py", ("", CALLBACK))
    edit(tree / "project" / "loggers.py", ("", LOGGER))
    edit(
        tree / "project" / "ingest" / "output.py",
        ("    if not is_data_file(path):", '    if not is_data_file(path) and path.suffix != ".md":'),
        ('                if kind == "jsonl":\n', MARKDOWN + '                elif kind == "jsonl":\n'),
    )
    more = ("--trainer.callbacks+=project.callbacks.Shout", "--trainer.logger+=project.loggers.Lines")
    printed = sentiment(
        tree,
        ("fit", "--data.corpus=mine", "--trainer.max_epochs=1", *more, *SMALL),
        ("predict", CKPT, "--output=out.md", *QUIET),
    )
    assert exits(printed) == ["fit 0", "predict 0"]
    assert "the end of 1" in printed
    assert "metrics val/" in printed
    assert (tree / "out.md").read_text().splitlines()[0].startswith("The film is lovely, and I would see it again.: ")


def test_an_optimizer_is_one_class(tree):
    (tree / "project" / "plain.py").write_text("from torch.optim import SGD\n\n\nclass Plain(SGD):\n    pass\n")
    chosen = ("--optimizer=project.plain.Plain", "--optimizer.lr=0.1")
    printed = sentiment(tree, (*FIT, *chosen), ("test", CKPT, *QUIET), ("fit", CKPT, "--trainer.max_epochs=2"))
    assert exits(printed) == ["fit 0", "test 0", "fit 0"]


ASK: dict[str, Any] = {"type": "http", "method": "GET", "path": "/hello", "query_string": b"", "headers": []}
ENDPOINT = """
import asyncio, threading
from pathlib import Path
from project.export.bundle import predictor_of, read_bundle
from project.serve.app import create_app

facts, files = read_bundle(Path("bundle"))
app = create_app(predictor_of(facts, files), facts, threading.Event())

async def nothing():
    return {"type": "http.request", "body": b""}

async def show(message):
    print(message.get("status", ""), message.get("body", b"").decode(), end="")

asyncio.run(app(ASK, nothing, show))
"""


@pytest.mark.skipif(not (Path(__file__).parent / "serve").is_dir(), reason="there is no server in this tree")
def test_an_endpoint_is_one_function(tree):
    route = """    @api.get("/hello")
    async def hello() -> str:
        return "hello"

    @api.get("/info", responses={401: FAILURES[401]})
"""
    edit(tree / "project" / "serve" / "app.py", ('    @api.get("/info", responses={401: FAILURES[401]})\n', route))
    assert exits(sentiment(tree, FIT, ("export", "--ckpt_path", BEST, "--output", "bundle"))) == ["fit 0", "export 0"]
    assert '200 "hello"' in python(tree, ENDPOINT.replace("ASK", repr(ASK))).replace("200  ", "200 ")
