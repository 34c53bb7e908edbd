"""The whole loop: `fit` against a bare PyTorch loop with the same step, and how fast batches are made.

Runs in the working folder, each time as a process of its own, and prints JSON as its last line:

    python -m benchmarks.loop fit|bare|loader
"""

import csv
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import RandomSampler

from benchmarks.lengths import reviews
from project import process
from project.batch import Batch
from project.buckets import BucketSampler
from project.datamodule import SentimentDataModule
from project.encoder import BiLSTMEncoder
from project.network import SentimentNetwork

CORPUS, EPOCHS_FILE = Path("reviews.csv"), Path("epochs.json")
TEXTS = 2560
BATCH_SIZE, MAX_LENGTH = 64, 400
EMBEDDING_DIM, HIDDEN_SIZE = 50, 128
EPOCHS = 3  # the first warms up


def write_corpus() -> None:
    """Write reviews of random words with the lengths of IMDB's."""
    rng = random.Random(0)
    words = [f"word{i}" for i in range(5000)]
    lengths = reviews(TEXTS, 2752)
    rng.shuffle(lengths)
    with CORPUS.open("w", newline="") as file:
        rows = [(" ".join(rng.choices(words, k=length)), rng.choice(["good", "bad"])) for length in lengths]
        csv.writer(file).writerows([("text", "label"), *rows])


class EpochTimer(L.Callback):
    """Writes the seconds from the first batch of each training epoch to its last into epochs.json."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock."""
        self.began = time.perf_counter()
        self.seconds.append(0.0)

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *batch: Any) -> None:
        """Read the clock."""
        self.seconds[-1] = time.perf_counter() - self.began

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write what was read."""
        EPOCHS_FILE.write_text(json.dumps(self.seconds))


def fit() -> list[float]:
    """Train through the command line, as a user would, with all callbacks and loggers."""
    options = {
        "data.corpus": CORPUS,
        "data.vectors": "null",
        "data.test_share": 0,
        "data.batch_size": BATCH_SIZE,
        "data.max_length": MAX_LENGTH,
        "data.min_freq": 1,
        "model.embedding_dim": EMBEDDING_DIM,
        "model.encoder.hidden_size": HIDDEN_SIZE,
        "trainer.max_epochs": EPOCHS,
        "trainer.callbacks+": "benchmarks.loop.EpochTimer",
    }
    command = [sys.executable, "-m", "project", "fit", *(f"--{name}={value}" for name, value in options.items())]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds: list[float] = json.loads(EPOCHS_FILE.read_text())
    return seconds


def data_module() -> SentimentDataModule:
    """Return the data module that `fit` makes, ready."""
    data = SentimentDataModule(str(CORPUS), BATCH_SIZE, test_share=0, max_length=MAX_LENGTH, min_freq=1, vectors=None)
    data.prepare_data()
    data.setup("fit")
    return data


def bare() -> list[float]:
    """Train with the fewest lines of PyTorch that do the same step."""
    process.prepare()
    data = data_module()
    assert data.tokenizer is not None
    encoder = partial(BiLSTMEncoder, hidden_size=HIDDEN_SIZE)
    train_on = bare_step(SentimentNetwork(len(data.tokenizer), 2, embedding_dim=EMBEDDING_DIM, encoder=encoder))
    batches = data.train_dataloader()
    return seconds_of(lambda: [train_on(batch) for batch in batches])


def bare_step(network: nn.Module) -> Callable[[Batch], None]:
    """Return what trains `network` on a batch, as `fit` does."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, fused=True)
    loss_of = nn.CrossEntropyLoss()

    def train_on(batch: Batch) -> None:
        optimizer.zero_grad()
        loss_of(network(batch.token_ids), batch.labels).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()

    return train_on


def loader() -> list[float]:
    """Make the batches and nothing else."""
    process.prepare()
    batches = data_module().train_dataloader()
    return seconds_of(lambda: [None for _ in batches])


def seconds_of(epoch: Callable[[], object]) -> list[float]:
    """Return how long each of the epochs takes."""
    seconds = []
    for _ in range(EPOCHS):
        began = time.perf_counter()
        epoch()
        seconds.append(time.perf_counter() - began)
    return seconds


def corpus_facts() -> dict[str, float]:
    """Return the tokens of an epoch, and the share of padding in buckets and in batches drawn at random."""
    data = data_module()
    lengths = np.diff(data.encoded.split("train").starts)  # (texts,)
    at_random = RandomSampler(lengths, generator=torch.Generator().manual_seed(0))
    return {
        "tokens": int(lengths.sum()),
        "padding_in_buckets": padding_share(lengths[list(BucketSampler(lengths, BATCH_SIZE))]),
        "padding_at_random": padding_share(lengths[list(at_random)]),
    }


def padding_share(lengths: NDArray[np.int64]) -> float:
    """Return the share of the cells of batches that hold no token, for texts (texts,) in the order of the batches."""
    batches = np.split(lengths, range(BATCH_SIZE, len(lengths), BATCH_SIZE))
    return 1 - float(lengths.sum()) / sum(len(batch) * int(batch.max()) for batch in batches)


if __name__ == "__main__":
    write_corpus()
    measured = {"fit": fit, "bare": bare, "loader": loader}[sys.argv[1]]()
    print(json.dumps({"seconds": measured, **corpus_facts()}))
