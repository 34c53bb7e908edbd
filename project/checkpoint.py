"""Checkpoint file -> the whole model: weights, tokenizer, labels and what it was trained on, all plain types."""

from pathlib import Path
from typing import Any, NamedTuple, TypedDict
from zipfile import ZipFile

import torch
from torch import nn

from project.atomic import atomic_write
from project.batch import pack
from project.decision import Decision, DecisionState
from project.errors import UserError
from project.network import NetworkState, build_network, network_shapes
from project.text import UNK_ID, Tokenizer, TokenizerState

KEY = "sentiment"  # of `ModelState` in a Lightning checkpoint
PREFIX = "network."  # of the network's weights among a checkpoint's
FORMAT = 5
LATER = ("hyper_parameters", "datamodule_hyper_parameters", "loops")  # parts of Lightning's that others read
UNFIT = (TypeError, KeyError, ValueError, AttributeError, IndexError, RuntimeError)  # what odd values raise
PACKAGES = ("torch", "lightning", "torchtext", "project")  # whose versions a checkpoint holds


class ModelState(TypedDict):
    """What a checkpoint has besides the weights, so that it predicts from raw text with nothing else."""

    format: int
    network: NetworkState
    tokenizer: TokenizerState
    label_names: list[str]
    decision: DecisionState
    corpus: str
    fingerprint: str  # of the corpus
    versions: dict[str, str]


class Model(NamedTuple):
    """A trained model, ready to predict.

    Attributes:
        network: Takes packed token ids, returns logits (B, C); in eval mode.
        tokenizer: What it was trained with.
        decision: What its logits mean.
        state: Where it comes from.
    """

    network: nn.Module
    tokenizer: Tokenizer
    decision: Decision
    state: ModelState


def load_plain(path: str | Path, kind: str, hint: str = "") -> Any:
    """Load a torch file onto the CPU without running any code from it.

    Args:
        path: The file.
        kind: What the file should be, for the message.
        hint: What to do if the file is missing, for the message.

    Raises:
        UserError: It cannot be read.
    """
    try:
        with ZipFile(path) as archive:  # torch compresses nothing, and does not check checksums
            if sum(each.file_size for each in archive.infolist()) > Path(path).stat().st_size or archive.testzip():
                raise ValueError(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise UserError(f"{kind} {path} does not exist: {hint}") from error
    except Exception as error:  # a file that is not a checkpoint can raise anything
        raise UserError(f"{path} is not a {kind} that can be read: it is damaged, or of another kind") from error


def save_plain(content: Any, path: Path) -> None:
    """Write what `load_plain` loads; the file appears when it is complete and on the disk.

    Raises:
        OSError: It cannot be written.
    """
    with atomic_write(path) as scratch, scratch.open("wb") as file:
        try:
            torch.save(content, file)
        except RuntimeError as error:  # torch's own message hides the system's
            raise error.__context__ or error from None


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Load a checkpoint onto the CPU without running any code from it; `restore` says whether it is of use.

    Raises:
        UserError: There is no such file, or it is not a checkpoint of this repository.
    """
    checkpoint = load_plain(path, "checkpoint", "name a file like runs/version_0/checkpoints/best.ckpt")
    if not isinstance(checkpoint, dict) or KEY not in checkpoint or "state_dict" not in checkpoint:
        raise UserError(f"{path} is not a checkpoint of this repository: it lacks the tokenizer and the labels")
    return checkpoint


def restore(checkpoint: dict[str, Any], path: str | Path = "the checkpoint") -> Model:
    """Rebuild the model from what `read_checkpoint` returned.

    Args:
        checkpoint: What it returned.
        path: Where it lies, for messages.

    Raises:
        UserError: It does not fit together, this tree does not have its network, or splits text differently.
    """
    try:
        state: ModelState = checkpoint[KEY]
        if (found := state["format"]) != FORMAT:
            raise UserError(f"{path} has checkpoint format {found:d}, this version reads format {FORMAT}: train again")
        for name, weight in checkpoint["state_dict"].items():
            if weight.nbytes > weight.untyped_storage().nbytes() or not torch.isfinite(weight).all():
                raise UserError(f"{path} has NaN, infinite or missing numbers in {name}: use another checkpoint")
        weights = {n.removeprefix(PREFIX): w for n, w in checkpoint["state_dict"].items() if n.startswith(PREFIX)}
        shapes, parts = {name: w.shape for name, w in weights.items()}, [state["versions"], *map(checkpoint.get, LATER)]
        if network_shapes(state["network"]) != shapes or not all(isinstance(each, dict | None) for each in parts):
            raise ValueError(path)  # before it is built: it may name any size
        network = build_network(state["network"])
        network.load_state_dict(weights)
        decision = Decision(tuple(state["label_names"]), **state["decision"])
        model = Model(network.eval(), Tokenizer.from_state(state["tokenizer"]), decision, state)
        (row,) = model.network(pack([torch.tensor([UNK_ID, len(model.tokenizer) - 1])])).tolist()
        dict(zip(model.decision(row).probabilities, row, strict=True))  # raises if there is not a logit for each label
    except UNFIT as error:
        raise UserError(f"{path} is inconsistent: it is damaged or was edited; use another checkpoint") from error
    return model
