"""A toy corpus that a small model learns in seconds, and the command line inside the test's own process."""

import csv
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from project.__main__ import main

SUBJECTS = ["film", "story", "cast", "music", "ending"]
PRAISE = ["lovely", "brilliant", "moving", "funny", "wise", "warm"]
BLAME = ["dull", "clumsy", "tedious", "hollow", "noisy", "cold"]


def toy_rows() -> list[tuple[str, str]]:
    """60 sentences of our own, half of them praise."""
    rows = []
    for subject, (good, bad) in itertools.product(SUBJECTS, zip(PRAISE, BLAME, strict=True)):
        rows.append((f"The {subject} is {good}, and I would see it again.", "positive"))
        rows.append((f"A {bad} {subject}.", "negative"))
    return rows


def write_csv(path: Path, rows: list[tuple[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])


@pytest.fixture(autouse=True)
def quiet_wandb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)  # tiny tensors: a second thread only waits


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    folder = tmp_path / "toy"
    folder.mkdir()
    rows = toy_rows()
    write_csv(folder / "train.csv", rows[:40])
    write_csv(folder / "val.csv", rows[40:50])
    write_csv(folder / "test.csv", rows[50:])
    return folder


@pytest.fixture
def sentiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run the command line in this process, in an empty folder; return its exit code."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str | Path) -> int:
        monkeypatch.setattr("sys.argv", ["sentiment", *map(str, words)])
        return main()

    return run


SMALL = (
    "--data.vectors=null",
    "--model.hidden_size=8",
    "--model.embedding_dim=8",
    "--data.batch_size=8",
    "--trainer.enable_progress_bar=false",
    "--trainer.accelerator=cpu",
)


@pytest.fixture
def fitted(sentiment: Callable[..., int], toy: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """The run folder of two epochs on the toy corpus."""
    assert sentiment("fit", f"--data.corpus={toy}", "--trainer.max_epochs=2", *SMALL) == 0
    capsys.readouterr()
    return Path("runs/version_0").resolve()
