"""How much accuracy the wrong readings of a bidirectional LSTM cost: the default job on labels, with another feature.

    python -m benchmarks.reading [SEED ...]      about a minute and a half for each of the four readings and seed

right              [h_forward ; h_backward] of the packed batch
last token         the output at each text's last real token: the backward half has read one token
out[:, -1, :]      the output at the last time step of the padded batch, not packed: both halves have read padding
out[:, -1, :] of a packed batch   zeros for every text but the longest ones
"""

import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import mean

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from benchmarks import report
from project.__main__ import main as sentiment
from project.encoder import BiLSTMEncoder

ROOT = Path(__file__).parents[1]


def last_token(encoder: BiLSTMEncoder, embedded: PackedSequence) -> Tensor:
    """Return the outputs (B, 2H) at each text's last token."""
    outputs, lengths = pad_packed_sequence(encoder.rnn(embedded)[0], batch_first=True)  # (B, T, 2H)
    return outputs[torch.arange(len(lengths)), lengths - 1]


def last_step_of_padded(encoder: BiLSTMEncoder, embedded: PackedSequence) -> Tensor:
    """Return the outputs (B, 2H) at the last time step, padding read as if it were text."""
    padded, lengths = pad_packed_sequence(embedded)  # (T, B, E)
    whole = torch.full_like(lengths, len(padded))
    return last_token(encoder, torch.nn.utils.rnn.pack_padded_sequence(padded, whole))


def last_step_of_packed(encoder: BiLSTMEncoder, embedded: PackedSequence) -> Tensor:
    """Return the outputs (B, 2H) at the last time step after unpacking: zeros behind a text."""
    return pad_packed_sequence(encoder.rnn(embedded)[0], batch_first=True)[0][:, -1]


READINGS: dict[str, Callable[[BiLSTMEncoder, PackedSequence], Tensor] | None] = {
    "[h_forward ; h_backward]": None,
    "output at the last real token": last_token,
    "out[:, -1, :], padded": last_step_of_padded,
    "out[:, -1, :], packed and unpacked": last_step_of_packed,
}


def accuracy(reading: str, *options: str) -> float:
    """Train and test in a process of its own, in a folder that is thrown away; return the test accuracy."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"PYTHONPATH": str(ROOT), "WANDB_MODE": "disabled"}
        command = [sys.executable, "-m", "benchmarks.reading", "--train", reading, *options]
        subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
        with (Path(folder) / "runs" / "version_0" / "metrics.csv").open(newline="") as file:
            return next(float(row["test/accuracy"]) for row in csv.DictReader(file) if row.get("test/accuracy"))


def train(reading: str, options: list[str]) -> None:
    """Run fit with another reading of the encoder."""
    feature = READINGS[reading]
    if feature is not None:
        BiLSTMEncoder.forward = lambda self, embedded, state=None: feature(self, embedded)  # type: ignore[method-assign]
    sys.argv = ["sentiment", "fit", *options]
    sys.exit(sentiment())


def main() -> None:
    """Compare the readings over the seeds."""
    seeds = sys.argv[1:] or ["1", "2", "3"]
    rows = []
    for reading in READINGS:
        found = [accuracy(reading, f"--seed_everything={seed}", "--data.soft_targets=false") for seed in seeds]
        rows.append((reading, f"{mean(found):.1%}", ", ".join(f"{a:.1%}" for a in found)))
    report.show(f"Test accuracy on movies, seeds {', '.join(seeds)}", ["feature", "mean", "each"], rows)


if __name__ == "__main__":
    if "--train" in sys.argv:
        train(sys.argv[2], sys.argv[3:])
    main()
