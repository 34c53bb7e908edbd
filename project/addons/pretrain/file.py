"""Words, their vectors and weights -> a file from which training starts; `project.pretrained` reads it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from project.checkpoint import save_plain
from project.pretrained import FORMAT


def save_pretrained(
    path: Path,
    words: list[str],
    vectors: Tensor,
    read: Iterable[int],
    weights: Mapping[str, Tensor] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Write a file to start from.

    Args:
        path: The file.
        words: V of them, by falling frequency.
        vectors: Theirs, (V, E).
        read: Keys of the texts that shaped it, see `text_key`: no figure may rest on having seen what it measures.
        weights: Weights of a network, by name.
        facts: Plain values that tell where it comes from.

    Raises:
        OSError: It cannot be written.
    """
    content = {"format": FORMAT, "words": words, "vectors": vectors, "read": torch.tensor(sorted(read))}
    content |= {"weights": dict(weights or {}), "facts": dict(facts or {})}
    save_plain(content, path)
