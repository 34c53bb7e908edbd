"""Word vectors and recurrent network as `sentiment pretrain` left them: written, and read where training starts."""

import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from project.atomic import atomic_write
from project.errors import UserError
from project.ingest.held_out import held_out_texts, text_key
from project.ingest.store import Corpus
from project.network import SentimentNetwork
from project.text import TokenizerState

FORMAT = 2


class Pretrained(NamedTuple):
    """What `save_pretrained` wrote, and where it was read from."""

    path: Path
    content: dict[str, Any]


def _parts(network: SentimentNetwork) -> dict[str, nn.Module]:
    return {"embedding": network.embedding, "rnn": network.encoder.rnn}


def save_pretrained(
    path: Path, network: SentimentNetwork, tokenizer: TokenizerState, read: Iterable[int], facts: dict[str, Any]
) -> None:
    """Write what `load_pretrained` reads, whole or not at all.

    Args:
        path: Its place.
        network: Whose embedding and recurrent network are kept.
        tokenizer: What the token ids mean.
        read: Keys of the texts that it has read, see `text_key`.
        facts: Plain values that tell where it comes from.

    Raises:
        UserError: It cannot be written.
    """
    content: dict[str, Any] = {name: part.state_dict() for name, part in _parts(network).items()}
    content |= {"format": FORMAT, "tokenizer": tokenizer, "read": torch.tensor(sorted(read)), "facts": facts}
    try:
        with atomic_write(path) as scratch:
            torch.save(content, scratch)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error


def read_pretrained(path: Path) -> Pretrained:
    """Read what `save_pretrained` wrote, running no code from it.

    Raises:
        UserError: There is no such file, or it is damaged or of another kind.
    """
    if not path.is_file():
        raise UserError(
            f"pretrained file {path} does not exist: make it with sentiment pretrain --output {path} "
            "and the configuration of this run"
        )
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if content["format"] != FORMAT:
            raise UserError(f"{path} has format {content['format']}, this version reads format {FORMAT}")
        content["tokenizer"]["tokens"], content["embedding"]["frozen"], content["rnn"], content["read"]
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, TypeError, OSError) as error:
        raise UserError(f"{path} is not a file of sentiment pretrain, or it is damaged") from error
    return Pretrained(path, content)


def vocabulary_of(pretrained: Pretrained) -> tuple[TokenizerState, int]:
    """Return the tokenizer of a pretrained file, and how many words at its end are frozen."""
    return pretrained.content["tokenizer"], len(pretrained.content["embedding"]["frozen"])


def check_unread(pretrained: Pretrained, corpus: Corpus) -> None:
    """Check that no text of val or test was read in pretraining: no figure rests on having seen what it measures.

    Raises:
        UserError: Some were.
    """
    read = set(pretrained.content["read"].tolist())
    count = sum(text_key(text) in read for text in held_out_texts(corpus))
    if count:
        raise UserError(
            f"{pretrained.path} has read {count:,} of the texts in val and test of {corpus.name}: "
            f"pretrain with --held_out {corpus.name}, which leaves them out"
        )


def load_pretrained(pretrained: Pretrained, network: SentimentNetwork, tokenizer: TokenizerState) -> None:
    """Copy the word vectors and the recurrent network of `pretrained` into `network`.

    Raises:
        UserError: It was made for another vocabulary or another network.
    """
    path, content = pretrained
    if any(content["tokenizer"][key] != tokenizer[key] for key in ("scheme", "tokens", "json")):
        raise UserError(
            f"{path} was pretrained with another vocabulary: "
            "call the data module's start_from(*vocabulary_of(read_pretrained(path))) before the Trainer"
        )
    for name, part in _parts(network).items():
        own = {key: tuple(value.shape) for key, value in part.state_dict().items()}
        theirs = {key: tuple(value.shape) for key, value in content[name].items()}
        if own != theirs:
            raise UserError(
                f"{path} was pretrained for a network of another shape: "
                "use the --model options that it was pretrained with, or pretrain again"
            )
        part.load_state_dict(content[name])
