"""Several processes: how many times the tokens a second of one process, each with one thread, do two train?

    python -m benchmarks.processes

Both train the default network on the same random reviews, one after the other, three times; the first 8 steps warm up.
Prints each pair and the median of their ratios.
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

import lightning as L
import torch

from benchmarks.lengths import reviews
from benchmarks.worker import ROOT
from project.classifier import SentimentClassifier
from project.datamodule import SentimentDataModule
from project.process import prepare

TEXTS, WARM_UP, STEPS, PAIRS = 4096, 8, 32, 3


class Tokens(L.Callback):
    """Counts tokens and seconds of the steps after the warm-up.

    Attributes:
        rate: Tokens a second in this process.
    """

    rate = 0.0

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count a step."""
        if trainer.global_step == WARM_UP:
            self._tokens, self._began = 0, time.perf_counter()
        elif trainer.global_step > WARM_UP:
            self._tokens += len(batch.token_ids.data)
            self.rate = self._tokens / (time.perf_counter() - self._began)


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
    rates = trainer.strategy.reduce(torch.tensor(tokens.rate), reduce_op="sum")
    if trainer.is_global_zero:
        Path("rate.json").write_text(json.dumps(float(rates)))


def rate(folder: Path, processes: int) -> float:
    """Return the tokens a second of so many processes of one thread."""
    env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "benchmarks.processes", str(processes)]
    subprocess.run(command, cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL)
    found: float = json.loads((folder / "rate.json").read_text())
    return found


def main() -> None:
    """Measure the pairs."""
    rng, ratios = random.Random(0), []
    with tempfile.TemporaryDirectory() as name:
        rows = [" ".join(f"word{rng.randrange(5000)}" for _ in range(n)) for n in reviews(TEXTS, 400)]
        lines = [f"{text},{rng.choice(['good', 'bad'])}\n" for text in rows]
        (Path(name) / "reviews.csv").write_text("text,label\n" + "".join(lines))
        for _ in range(PAIRS):
            one, two = (rate(Path(name), processes) for processes in (1, 2))
            ratios.append(two / one)
            print(f"one process {one:,.0f} tokens a second, two {two:,.0f}: {two / one:.2f} times", flush=True)
    print(f"median: {statistics.median(ratios):.2f} times")


if __name__ == "__main__":
    prepare()
    if len(sys.argv) > 1:
        train(int(sys.argv[1]))
    else:
        main()
