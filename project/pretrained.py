"""A file of words, their vectors and weights -> where training starts; it knows which texts it has read.

Add-ons write such files: word vectors of a corpus, a language model, a network of your own.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from project.checkpoint import UNFIT, load_plain
from project.errors import UserError

FORMAT = 3


class Pretrained(NamedTuple):
    """What `save_pretrained` wrote, or a file of vectors holds."""

    path: Path
    words: list[str]  # V of them, by falling frequency
    vectors: Tensor  # (V, E) float32
    weights: dict[str, Tensor] = {}  # noqa: RUF012 # never changed; by their name in the network; none in a file of vectors
    read: Tensor = torch.empty(0)  # int64, keys of the texts it has read, see `text_key`; none if the file does not say


def read_pretrained(path: Path) -> Pretrained:
    """Read what `save_pretrained` wrote, running no code from it.

    Raises:
        UserError: There is no such file, or it is damaged or of another kind.
    """
    content = load_plain(path, "file", "`sentiment --help` lists the commands that write one")
    try:
        if (found := content["format"]) != FORMAT:
            raise UserError(f"{path} has format {found:d}, this version reads format {FORMAT}: make it again")
        return Pretrained(path, *(content[name] for name in Pretrained._fields[1:]))
    except UNFIT as error:
        raise UserError(f"{path} is not a file of words, vectors and weights") from error


def vectors_of(tokens: Sequence[str], pretrained: Pretrained) -> tuple[Tensor, Tensor]:
    """Return the vectors of V `tokens`, (V, E) with zeros for those without, and which have one, (V,) bool."""
    rows = {word: row for row, word in enumerate(pretrained.words)}
    places = torch.tensor([rows.get(token, -1) for token in tokens])  # (V,)
    found = places >= 0
    return pretrained.vectors[places] * found.unsqueeze(1), found
