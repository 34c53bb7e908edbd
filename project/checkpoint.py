"""Checkpoint file -> the whole model: weights, tokenizer, labels and what it was trained on, all plain types."""

import pickle
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypedDict

import torch

from project.addons.ensemble.members import Ensemble, build_network
from project.errors import UserError
from project.network import SentimentNetwork
from project.text import Tokenizer, TokenizerState

KEY = "sentiment"  # where `ModelState` stands in a Lightning checkpoint
PREFIX = "network."  # of the network's weights among a checkpoint's
FORMAT = 2
PACKAGES = ("torch", "lightning", "torchtext", "project")


class ModelState(TypedDict):
    """What a checkpoint holds beside the weights, so that it predicts from raw text with nothing else."""

    format: int
    network: dict[str, Any]  # keyword arguments of SentimentNetwork, or of Ensemble
    tokenizer: TokenizerState
    label_names: list[str]
    threshold: float  # probability of the second class from which a two-class model answers with it
    temperature: float  # logits are divided by it
    corpus: str
    fingerprint: str  # of the corpus
    versions: dict[str, str]


def package_versions() -> dict[str, str]:
    """Return the versions of the packages that a result depends on."""
    return {name: version(name) for name in PACKAGES}


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Load a checkpoint onto the CPU without running any code from it.

    Raises:
        UserError: There is no such file, or it is not a checkpoint of this project.
    """
    if not Path(path).is_file():
        raise UserError(
            f"checkpoint {path} does not exist: name a .ckpt file, such as runs/version_0/checkpoints/best.ckpt"
        )
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, OSError) as error:
        raise UserError(f"{path} is not a checkpoint that can be read: it is damaged, or of another kind") from error
    if not isinstance(checkpoint, dict) or KEY not in checkpoint or "state_dict" not in checkpoint:
        raise UserError(f"{path} is not a checkpoint of this project: it lacks the tokenizer and the labels")
    if checkpoint[KEY]["format"] != FORMAT:
        raise UserError(f"{path} has checkpoint format {checkpoint[KEY]['format']}, this version reads format {FORMAT}")
    return checkpoint


def restore(checkpoint: dict[str, Any]) -> tuple[SentimentNetwork | Ensemble, Tokenizer, ModelState]:
    """Rebuild network (with its weights, in eval mode) and tokenizer from what `read_checkpoint` returned."""
    state: ModelState = checkpoint[KEY]
    network = build_network(state["network"])
    weights = checkpoint["state_dict"].items()
    network.load_state_dict({name.removeprefix(PREFIX): w for name, w in weights if name.startswith(PREFIX)})
    return network.eval(), Tokenizer.from_state(state["tokenizer"]), state
