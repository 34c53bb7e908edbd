"""A run -> where it comes from, for every logger; a tested model -> results.json in the run's folder."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, product
from pathlib import Path
from typing import Any

import lightning as L
import yaml
from lightning.pytorch.trainer.states import TrainerStatus
from lightning.pytorch.utilities import rank_zero_only

from project.addons.results.hints import print_hints
from project.addons.results.measured import right
from project.atomic import write_json
from project.callbacks import of_all_processes, run_dir
from project.checkpoint import ModelState
from project.decision import SEPARATOR, Prediction
from project.ingest import Corpus, Row, added_columns, write_rows


class Results(L.Callback):
    """Writes ``results.json`` into the run's folder when a test ends."""

    _answers: dict[int, tuple[int, list[float]]]  # label and logits, by row in the split

    def __init__(self) -> None:
        self._started: dict[str, float] = {}
        self._seconds: dict[str, float] = {}
        self._val: list[dict[str, float]] = []  # figures of every epoch

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Start the clock of fit or test; forget an earlier test."""
        self._started[stage], self._answers = time.perf_counter(), {}

    def on_fit_start(self, trainer: Any, pl_module: L.LightningModule) -> None:
        """Log the configuration, the commit of the code and the fingerprint of the data to every logger."""
        folder = run_dir(trainer) if trainer.is_global_zero else None
        saved = folder / "config.yaml" if folder else None
        config = yaml.safe_load(saved.read_text(encoding="utf-8")) if saved and saved.exists() else None
        facts = {
            "config": config,
            "git_commit": git_commit(),
            "data_fingerprint": trainer.datamodule.corpus.fingerprint,
        }
        for logger in trainer.loggers:
            logger.log_hyperparams(facts)

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Keep the figures of val."""
        figures = {name: float(value) for name, value in trainer.callback_metrics.items() if name.startswith("val/")}
        self._val.append(figures)

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Stop the clock; at the end of a fit and its test say what can be done with the model."""
        self._seconds[stage] = time.perf_counter() - self._started[stage]
        untested = stage == "fit" and not getattr(trainer, "to_test", "")
        if not trainer.is_global_zero or trainer.fast_dev_run or trainer.state.status == TrainerStatus.INTERRUPTED:
            return
        if untested and self._val and (folder := run_dir(trainer)) is not None:
            best = getattr(trainer.checkpoint_callback, "best_model_path", "")
            write_json(
                folder / "results.json", self._facts(trainer, pl_module.state, best) | {"metrics": self._best(trainer)}
            )
        if "fit" in self._seconds and (stage == "test" or untested):
            print_hints(trainer)

    def _best(self, trainer: Any) -> dict[str, float]:
        """Return the figures of val of the best epoch; of the last one if no figure chooses."""
        checkpoint = trainer.checkpoint_callback
        score, monitor = getattr(checkpoint, "best_model_score", None), getattr(checkpoint, "monitor", None)
        best = [each for each in self._val if score is not None and each.get(str(monitor)) == float(score)]
        return best[0] if best else self._val[-1]

    def on_test_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, *_: Any, **__: Any
    ) -> None:
        """Keep the answers."""
        each = zip(outputs["labels"].tolist(), outputs["logits"].tolist(), strict=True)
        self._answers.update(zip(outputs["rows"].tolist(), each, strict=True))

    def on_test_epoch_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        """Gather the answers of all processes; each has to take part."""
        gathered = {row: answer for each in of_all_processes(trainer, self._answers) for row, answer in each.items()}
        self._answers = dict(sorted(gathered.items()))

    @rank_zero_only
    def on_test_end(self, trainer: Any, pl_module: Any) -> None:
        """Write the run's results, and what the model says of each text."""
        if (folder := run_dir(trainer)) is not None:
            answers = pl_module.decision.each([logits for _, logits in self._answers.values()])
            predictions = dict(zip(self._answers, answers, strict=True))
            write_json(folder / "results.json", self._results(trainer, pl_module.state, predictions))
            write_rows(folder / "test.csv", self._texts(trainer.datamodule.corpus, predictions), {})

    def _texts(self, corpus: Corpus, predictions: dict[int, Prediction]) -> Iterator[Row]:
        """Yield each text that was measured: where it comes from, what was right and what the model says."""
        names, several = corpus.label_names, corpus.members is not None
        for row, (example, (file, line)) in enumerate(zip(corpus.split("test"), corpus.places("test"), strict=True)):
            if row in predictions:
                label, answer = corpus.answers[example.label], predictions[row]
                facts = {"split": "test", "file": file, "line": line, "text": example.text, "label": label}
                added = added_columns(names, answer.label, list(answer.probabilities.values()))
                yield {**facts, "right": right(answer.label, label, several), **added}

    def _facts(self, trainer: Any, state: ModelState, checkpoint: str) -> dict[str, Any]:
        """Return where the figures come from, and what they cost."""
        data = trainer.datamodule
        return {
            "corpus": data.corpus_name,
            "fingerprint": data.corpus.fingerprint,
            "checkpoint": checkpoint,
            "command": getattr(trainer, "command", None),
            "stage": "fit" if "fit" in self._seconds else "test",
            "seed": os.environ.get("PL_GLOBAL_SEED"),
            "network": state["network"]["name"],
            "decision": state["decision"],
            "fit_seconds": self._seconds.get("fit"),
            "peak_mb": peak_mb(),
            "versions": state["versions"],
        }

    def _results(self, trainer: Any, state: ModelState, predictions: dict[int, Prediction]) -> dict[str, Any]:
        data, names = trainer.datamodule, state["label_names"]
        labels = {row: data.corpus.answers[label] for row, (label, _) in self._answers.items()}
        chosen = {row: prediction.label for row, prediction in predictions.items()}
        several = data.corpus.members is not None
        places = [f"{file}:{line}" for file, line in data.corpus.places("test")]
        measured = {name: float(value) for name, value in trainer.callback_metrics.items()}
        return self._facts(trainer, state, str(trainer.ckpt_path)) | {
            "test_fingerprint": data.corpus.test_fingerprint,
            "metrics": (self._best(trainer) if self._val else {}) | measured,
            "confusion_matrix": counted(names, labels, chosen, several),
            "test_seconds": time.perf_counter() - self._started["test"],
            "texts": len(places),
            "places": [places[row] for row in self._answers],
            "right": [right(answer, labels[row], several) for row, answer in chosen.items()],
        }


def counted(names: Sequence[str], labels: dict[int, str], answers: dict[int, str], several: bool) -> dict[str, Any]:
    """Return how many texts of each class (rows) got each answer (columns).

    Of `several` labels a text counts for each of its labels with each that was answered, and how many texts have, and
    got, each label is told as well.

    Args:
        names: The classes.
        labels: By row.
        answers: By row.
        several: Whether they may hold several names.
    """
    true, got = ([names_in(each, several) for each in of.values()] for of in (labels, answers))
    pairs = Counter(pair for both in zip(true, got, strict=True) for pair in product(*both))
    counts = {"labels": names, "counts": [[pairs[a, b] for b in names] for a in names]}
    if not several:
        return counts
    support, predicted = (Counter(chain.from_iterable(each)) for each in (true, got))
    return counts | {"support": [support[n] for n in names], "predicted": [predicted[n] for n in names]}


def names_in(answer: str, several: bool) -> list[str]:
    """Return the names of the classes in a label, or in an answer."""
    return answer.split(SEPARATOR) if several else [answer]


def peak_mb() -> float | None:
    """Return the peak memory of this process; None if the system does not count it."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3  # bytes there, KB elsewhere


def git_commit() -> str | None:
    """Return the commit of the working tree, with ``-dirty`` if files differ from it; None outside git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--match="]
    try:
        done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
