"""Several processes: how many times as many tokens per second do two train as one, with one thread each?

    python -m benchmarks.processes

All train the default network on the same random reviews: one process, two that train one network, and two apart, which
is what the machine has to give. A rate is the median of the steps' after the warm-up; no epoch ends. Prints each round
and the medians of its ratios.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from project.process import prepare

if __name__ == "__main__":
    prepare()  # as the command line does, before anything imports torch

import lightning as L
import torch

from benchmarks.lengths import reviews
from benchmarks.worker import ROOT
from project.classifier import SentimentClassifier
from project.datamodule import SentimentDataModule

TEXTS, WARM_UP, STEPS, ROUNDS = 8192, 8, 40, 5


class Tokens(L.Callback):
    """Counts the tokens a second of each step after the warm-up, in this process."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self._before = 0.0

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count a step."""
        now = time.perf_counter()
        if trainer.global_step > WARM_UP:
            self.rates.append(len(batch.token_ids.data) / (now - self._before))
        self._before = now


def train(processes: int) -> None:
    """Train in a folder with reviews.csv; write the tokens a second of all processes to rate.json."""
    tokens = Tokens()
    quiet: dict[str, Any] = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar"), False)
    trainer = L.Trainer(
        accelerator="cpu",
        devices=processes,
        strategy="ddp" if processes > 1 else "auto",
        max_steps=WARM_UP + STEPS,
        limit_val_batches=0,
        enable_model_summary=False,
        callbacks=[tokens],
        **quiet,
    )
    data = SentimentDataModule("reviews.csv", vectors=None)
    trainer.fit(SentimentClassifier(), data)
    rates = trainer.strategy.reduce(torch.tensor(statistics.median(tokens.rates)), reduce_op="sum")
    if trainer.is_global_zero:
        Path("rate.json").write_text(json.dumps(float(rates)))


def rate(folders: list[Path], processes: int) -> float:
    """Return the tokens a second of so many processes of one thread in each folder, all at once."""
    env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "benchmarks.processes", str(processes)]
    started = [subprocess.Popen(command, cwd=each, env=env, stdout=subprocess.DEVNULL) for each in folders]
    if sum(each.wait() for each in started):
        raise SystemExit("a training failed")
    return sum(float(json.loads((each / "rate.json").read_text())) for each in folders)


def main() -> None:
    """Measure the rounds."""
    rng, ratios = random.Random(0), []
    rows = [" ".join(f"word{rng.randrange(5000)}" for _ in range(n)) for n in reviews(TEXTS, 400)]
    lines = [f"{text},{rng.choice(['good', 'bad'])}\n" for text in rows]
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / each for each in ("a", "b")]
        for folder in folders:
            folder.mkdir()
            (folder / "reviews.csv").write_text("text,label\n" + "".join(lines))
        for _ in range(ROUNDS):
            one, two, apart = rate(folders[:1], 1), rate(folders[:1], 2), rate(folders, 1)
            ratios.append((two / one, apart / one))
            print(f"one {one:,.0f} tokens a second, two {two:,.0f}, two apart {apart:,.0f}", flush=True)
    together, apart = (statistics.median(each) for each in zip(*ratios, strict=True))
    print(f"median: {together:.2f} times one; two apart {apart:.2f} times")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        train(int(sys.argv[1]))
    else:
        main()
