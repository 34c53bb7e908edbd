"""A file to start from, as a command of an add-on would write it."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from project.checkpoint import save_plain
from project.pretrained import FORMAT


def write_pretrained(
    path: Path, words: list[str], vectors: Tensor, read: Sequence[int] = (), weights: dict[str, Tensor] | None = None
) -> Path:
    keys = torch.tensor(sorted(read), dtype=torch.int64)
    content = {"words": words, "vectors": vectors, "weights": weights or {}, "read": keys}
    save_plain({"format": FORMAT, "facts": {}, **content}, path)
    return path
