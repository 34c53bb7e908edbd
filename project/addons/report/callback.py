"""A tested model -> tables in the terminal, a picture of its confusion matrix, and the report of its run."""

import os
import platform
import time
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.utilities import rank_zero_only

from project.addons.report.answers import Answers
from project.addons.report.command import write
from project.addons.report.picture import MOST_NUMBERS, draw_confusion_matrix
from project.addons.report.run import labels_of
from project.addons.report.terminal import print_classes, print_confusions, print_examples
from project.callbacks import of_all_processes, run_dir
from project.head import answers


class Report(L.Callback):
    """Shows what a test has found, and writes ``report.html`` into the run's folder."""

    def __init__(self) -> None:
        self._tokens, self._seconds = 0, 0.0

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock: a fit that goes on within an epoch does not start that again."""
        self._started = time.perf_counter()

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock."""
        self._started = time.perf_counter()

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Count the tokens."""
        self._tokens += len(batch.token_ids.data)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Stop the clock."""
        self._seconds += time.perf_counter() - self._started

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Log the machine and the speed to every logger."""
        rate = round(self._tokens * trainer.world_size / self._seconds) if self._seconds else None
        for logger in trainer.loggers:
            logger.log_hyperparams({"machine": {**machine(trainer), "tokens_per_second": rate}})

    def on_test_start(self, trainer: L.Trainer, pl_module: Any) -> None:
        """Begin to collect."""
        self._answers: dict[int, tuple[int, Any, list[float]]] = {}  # label, answer, probabilities by row in the split

    def on_test_batch_end(self, trainer: L.Trainer, pl_module: Any, outputs: Any, *_: Any, **__: Any) -> None:
        """Keep the answers."""
        found = outputs["labels"], *answers(outputs["logits"], pl_module.decision)
        each = zip(*(values.tolist() for values in found), strict=True)
        self._answers.update(zip(outputs["rows"].tolist(), each, strict=True))

    def on_test_epoch_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        """Gather the answers of all processes; every process has to call this."""
        gathered = {row: answer for each in of_all_processes(trainer, self._answers) for row, answer in each.items()}
        self._answers = dict(sorted(gathered.items()))

    @rank_zero_only
    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Print the tables, draw the picture, write the report: once a test is over and its results are written."""
        if stage != "test" or not self._answers:
            return
        corpus, names = trainer.datamodule.corpus, pl_module.state["label_names"]
        tested = answers_of(self._answers, corpus, names)
        print_classes(tested)
        print_confusions(tested)
        print_examples(tested)
        if (folder := run_dir(trainer)) is not None:
            picture = folder / "confusion_matrix.png"
            drawn = draw_confusion_matrix(picture, tested.matrix(MOST_NUMBERS), len(names))
            report = self._report(trainer, folder)
            for logger in trainer.loggers:
                if isinstance(logger, WandbLogger):
                    counts = tested.matrix(len(names)).counts.tolist()
                    rows = [[name, *row] for name, row in zip(names, counts, strict=True)]
                    logger.log_table("test/confusions", ["true", *names], rows)
                    log_to_wandb(logger, picture if drawn else None, report)

    def _report(self, trainer: Any, folder: Path) -> Path | None:
        """Write the report and return where it is; None without a checkpoint or without results, which it shows."""
        if not trainer.ckpt_path or not (folder / "results.json").exists():
            return None
        for logger in trainer.loggers:
            if not self._seconds:  # a fit has told them
                logger.log_hyperparams({"machine": machine(trainer)})
            logger.save()
        write(folder, folder / "report.html", trainer.datamodule.corpus)
        print(f"report: {folder / 'report.html'}")
        return folder / "report.html"


def log_to_wandb(logger: WandbLogger, picture: Path | None, report: Path | None) -> None:
    """Log the files that were written."""
    if picture is not None:
        logger.log_image("test/confusion_matrix", [str(picture)])
    if report is not None:
        import wandb

        logger.experiment.log({"test/report": wandb.Html(report.read_text(encoding="utf-8"), inject=False)})


def answers_of(found: dict[int, tuple[int, Any, list[float]]], corpus: Any, names: list[str]) -> Answers:
    """Return what was gathered as answers."""
    labels, chosen, probabilities = zip(*found.values(), strict=True)
    texts = [example.text for row, example in enumerate(corpus.split("test")) if row in found]
    places = [f"{file}:{line}" for row, (file, line) in enumerate(corpus.places("test")) if row in found]
    got, several = np.array(chosen), corpus.members is not None
    if not several:
        got = got[:, None] == np.arange(len(names))  # of -1 nothing
    return Answers(names, places, texts, labels_of(corpus, labels), got, np.array(probabilities), several)


def machine(trainer: L.Trainer) -> dict[str, Any]:
    """Return the hardware that the run uses."""
    device = trainer.strategy.root_device
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
    processes = f"{trainer.world_size} processes" if trainer.world_size > 1 else ""
    return {"processor": processor(), "cores": cores, "devices": ", ".join(filter(None, (name, processes)))}


def processor() -> str:
    """Return the name of the CPU."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # only Linux has it
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
