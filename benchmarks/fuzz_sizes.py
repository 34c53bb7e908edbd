"""Every option that is a whole number, with numbers that are too large for it: read from the signatures."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any, get_args

from benchmarks.fuzz_child import Case
from benchmarks.fuzz_inputs import GOOD_CSV, SMALL, write
from benchmarks.victim import Models
from project.registry import load, registered

SIZES = ("9" * 30, str(2**63), str(10**12), str(10**9))
LONG = (
    "epochs",
    "min_epochs",
    "min_steps",
    "num_nodes",
    "num_workers",
)  # which take as long as they say, or wait for others
BRIEF = ("max_epochs", "max_steps")  # likewise, but for a limit of time
NEEDS = {
    "model.encoder.channels": ("--model.encoder=CNNEncoder",),
    "model.encoder.width": ("--model.encoder=CNNEncoder",),
    "data.bpe_size": ("--data.tokenizer=bpe",),
}
WITH_SIZES = {
    "export": "--ckpt_path M --output bundle",
    "serve": "missing",
    "behaviour": "--ckpt_path M",
    "explain": "--ckpt_path M film",
    "compare": "M M --corpus own.csv",
    "pretrain": "--data.corpus=own.csv --data.vectors=null --output p.pt",
    "word2vec": "--data.corpus=own.csv --data.vectors=null --output w.pt",
    "teach": "--data.corpus=own.csv --output t.csv --teacher M",
    "ask": "--data.corpus=own.csv --output t.csv --model M",
}


def sizes_of(function: Callable[..., Any]) -> list[str]:
    """Return the names of a function's parameters that are whole numbers."""
    found = inspect.signature(function, eval_str=True).parameters.values()
    return [p.name for p in found if int in (p.annotation, *get_args(p.annotation))]


def sizes(models: Models) -> Iterator[Case]:
    """Yield every option that is a whole number with numbers that are too large for it."""
    from project.classifier import SentimentClassifier
    from project.datamodule import SentimentDataModule
    from project.encoder import BiLSTMEncoder, CNNEncoder
    from project.trainer import SentimentTrainer

    own = write("own.csv", GOOD_CSV.encode())
    parts: dict[str, list[Callable[..., Any]]] = {"trainer": [SentimentTrainer], "data": [SentimentDataModule]}
    parts |= {"model": [SentimentClassifier], "model.encoder": [BiLSTMEncoder, CNNEncoder]}
    options = {f"{part}.{name}": name for part, many in parts.items() for each in many for name in sizes_of(each)}
    for option, name in options.items():
        if name in LONG or option == "model.encoder.embedding_dim":
            continue
        more = NEEDS.get(option, ()) + (("--trainer.max_time=00:00:00:01",) if name in BRIEF else ())
        for size in SIZES:
            words = ("fit", "--data.corpus=own.csv", *SMALL, *more, f"--{option}={size}")
            yield Case("sizes", f"--{option}={size}"[:80], words, own)
    for command, line in WITH_SIZES.items():
        if command in registered("COMMANDS"):
            for name in (each for each in sizes_of(load(registered("COMMANDS")[command])) if each not in LONG):
                given = line.replace("M", str(models.checkpoint)).split()
                for size in SIZES:
                    own_words = (command, *given, f"--{name}={size}")
                    yield Case("sizes", f"{command} --{name}={size}"[:80], own_words, own)
