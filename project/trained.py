"""Checkpoint -> `Predictor`, with torch."""

from collections.abc import Sequence
from pathlib import Path

import torch

from project.addons.ensemble.members import Ensemble
from project.batch import pack
from project.checkpoint import ModelState, read_checkpoint, restore
from project.network import SentimentNetwork
from project.predict import Logits, Predictor, TokenIds
from project.text import Tokenizer


def open_checkpoint(path: Path) -> Predictor:
    """Load a checkpoint; nothing else is needed.

    Raises:
        UserError: It is missing, damaged or of another kind.
    """
    return predictor_of(*restore(read_checkpoint(path)))


def predictor_of(network: SentimentNetwork | Ensemble, tokenizer: Tokenizer, state: ModelState) -> Predictor:
    """Return the predictor of a network in eval mode."""

    def logits(token_ids: Sequence[TokenIds]) -> Logits:
        with torch.inference_mode():
            computed: Logits = network(pack([torch.tensor(ids) for ids in token_ids])).tolist()  # (B, C)
        return computed

    return Predictor(logits, tokenizer, tuple(state["label_names"]), state["threshold"], state["temperature"])
