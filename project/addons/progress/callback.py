"""A fit -> lines in the terminal or log: the network, the batches, every epoch, the best one."""

import sys
import time
from collections import Counter
from typing import Any

import lightning as L
import torch
from lightning.pytorch.utilities import rank_zero_only
from numpy.typing import ArrayLike
from torch import nn
from torch.utils.data import Sampler
from tqdm import tqdm

from project.batch import DataFacts
from project.registry import registered
from project.text import SPECIALS, UNK_ID

Epoch = dict[str, float]

MANY_UNKNOWN = 0.2  # share of the tokens of val
FIRST_BATCHES = 16  # that say how the recurrence is computed
FEW_TOKENS = 2.0  # tokens in a text of train, on average


class Progress(L.Callback):
    """Prints a line at the start of a fit and after each epoch, and which epoch was best."""

    def __init__(self) -> None:
        self._best: Epoch = {}
        self._tokens = 0

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Print what the fit works with; start the clock, since a resumed run may go on in the middle of an epoch."""
        self._started = time.perf_counter()
        facts, loader, val = trainer.datamodule.facts(), trainer.train_dataloader, trainer.val_dataloaders
        say(network_line(trainer, pl_module.network) + recurrence(trainer, pl_module.network, loader))
        unknown = val.dataset.share_of(UNK_ID) if val is not None else 0.0
        say(vocabulary_line(facts) + (f"; {unknown:.1%} of the words of val are unknown" if val is not None else ""))
        lengths = loader.dataset.lengths
        for line in tokenizer_lines(facts.tokenizer.scheme, unknown, lengths.sum() / len(lengths)):
            say(line)
        padding = padding_share(lengths, loader.sampler, loader.batch_size)
        say(f"train: {len(lengths):,} texts, {lengths.sum():,} tokens; padding is {padding:.1%} of the batches' cells")

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Print the epoch before, whose figures are complete by now; start the clock."""
        self._report(trainer)
        self._tokens, self._started = 0, time.perf_counter()

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Count the tokens."""
        self._tokens += len(batch.token_ids.data)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Stop the clock."""
        self._seconds = time.perf_counter() - self._started

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Print the last epoch, and the best one."""
        self._report(trainer)
        self._tokens = 0
        for stopping in trainer.early_stopping_callbacks:
            if stopping.stopped_epoch:
                say(f"stopped: {stopping.patience} epochs without a better {stopping.monitor}")
        if self._best:
            figures = ", ".join(f"{name} {value:.4f}" for name, value in self._best.items() if name != "epoch")
            say(f"best epoch: {self._best['epoch'] + 1:.0f}, {figures}")

    def _report(self, trainer: L.Trainer) -> None:
        """Print the epoch that has ended, if one has."""
        if not self._tokens or not hasattr(self, "_seconds"):
            return
        figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
        monitor, chosen = chosen_by(trainer, figures)
        marked = chosen and self._best.get(monitor) != figures[monitor]  # of equal ones the checkpoint keeps the first
        epoch = trainer.fit_loop.epoch_progress.current.processed - 1  # type: ignore[attr-defined] # it has
        if marked:
            self._best = {"epoch": epoch} | {name: figures[name] for name in figures if name.startswith("val/")}
        shown = shown_figures(figures, monitor)
        rate = self._tokens * trainer.world_size / self._seconds
        speed = f"{rate:,.0f} tokens/s  {self._seconds:.1f} s"
        total = f" of {trainer.max_epochs}" if (trainer.max_epochs or 0) > 0 else ""
        say("  ".join([f"epoch {epoch + 1}{total}", *shown, speed, *(["best so far"] if marked else [])]))

    def state_dict(self) -> dict[str, Any]:
        """Return the best epoch, for the checkpoint."""
        return {"best": self._best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take it over."""
        self._best = state_dict["best"]


def padding_share(lengths: ArrayLike, sampler: Sampler[int], batch_size: int) -> float:
    """Return the share of the B x T cells without a token, over the batches that `sampler` makes."""
    batches = torch.split(torch.as_tensor(lengths)[list(sampler)], batch_size)
    cells = sum(len(batch) * int(batch.max()) for batch in batches)
    return 1.0 - sum(int(batch.sum()) for batch in batches) / cells


def shown_figures(figures: Epoch, monitor: str) -> list[str]:
    """Return the losses and the figure that chooses the best checkpoint, as far as they were measured.

    Of any number of labels also macro F1: few texts may have all of theirs right.
    """
    names = dict.fromkeys(("train/loss", "val/loss", monitor, *["val/f1"] * ("val/f1_micro" in figures)))
    return [f"{name} {figures[name]:.4f}" for name in names if name in figures]


def chosen_by(trainer: L.Trainer, figures: Epoch) -> tuple[str, bool]:
    """Return the figure that chooses the best checkpoint, and whether that is of these `figures`."""
    monitor = getattr(trainer.checkpoint_callback, "monitor", None) or "val/loss"
    best = getattr(trainer.checkpoint_callback, "best_model_score", None)
    return monitor, best is not None and figures.get(monitor) == float(best)


def network_line(trainer: L.Trainer, network: nn.Module) -> str:
    """Return the size of the network, where and in which precision it runs."""
    sizes = {name: sum(p.numel() for p in part.parameters()) for name, part in network.named_children()}
    parts = ", ".join(f"{size:,} {name}" for name, size in sizes.items() if size)
    device = trainer.strategy.root_device
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type.upper()
    return f"network: {sum(sizes.values()):,} trained parameters ({parts}), {trainer.precision} on {name}"


def recurrence(trainer: L.Trainer, network: nn.Module, loader: Any) -> str:
    """Return how recurrent layers compute most of the first batches of `loader`; empty if they have no choice.

    A single batch may be an exception: that of an epoch which begins with texts of one length.
    """
    layers: list[Any] = [module for module in network.modules() if hasattr(module, "path_for")]
    if not layers:
        return ""
    paths: Counter[str] = Counter()
    with trainer.precision_plugin.forward_context():  # autocast decides as well
        for rows in torch.split(torch.tensor(list(loader.sampler)), loader.batch_size)[:FIRST_BATCHES]:
            token_ids = loader.dataset.__getitems__(rows.tolist()).token_ids
            data = next(layers[0].parameters()).new_empty(len(token_ids.data), 1)
            paths[layers[0].path_for(token_ids._replace(data=data))] += 1
    return f", recurrence {paths.most_common(1)[0][0]}"


def vocabulary_line(facts: DataFacts) -> str:
    """Return the size of the vocabulary and where its vectors come from."""
    own = len(facts.tokenizer) - facts.num_frozen
    line = f"vocabulary: {own - len(SPECIALS):,} words of train"
    if facts.pretrained is None:
        return line
    vectors, found = facts.pretrained
    share = int(found[:own].sum()) / max(own - len(SPECIALS), 1)
    line += f", {share:.1%} of them with pretrained vectors of {vectors.shape[1]} dimensions"
    return f"{line}, and {facts.num_frozen:,} more pretrained words"


def tokenizer_lines(scheme: str, unknown: float, per_text: float) -> list[str]:
    """Return hints that another tokenizer would fit better.

    Args:
        scheme: Of the tokenizer that is used.
        unknown: Share of the tokens of val.
        per_text: Tokens in a text of train, on average.
    """
    brought = registered("TOKENIZERS")
    lines = []
    if per_text < FEW_TOKENS:
        best = next((name for name in ("unicode", "bpe") if name in brought and name != scheme), None)
        advice = f"--data.tokenizer={best}" if best else "an add-on with another tokenizer"
        lines.append(f"a text has {per_text:.1f} tokens on average: texts without spaces between words need {advice}")
    if unknown > MANY_UNKNOWN:
        ways = ["--data.tokenizer=bpe leaves none unknown"] if "bpe" in brought else []
        ways += ["--data.min_freq=1 keeps rare ones"] if scheme == "basic_english" else []
        lines.append(f"many words of val are unknown, {unknown:.1%}: {' and '.join(ways) or 'train has too few texts'}")
    return lines


@rank_zero_only
def say(line: str) -> None:
    """Print a line, above the progress bar if there is one."""
    tqdm.write(line)
    sys.stdout.flush()
