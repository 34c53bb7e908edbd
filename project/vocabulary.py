"""Tokens of train and pretrained words -> the vocabulary: the one file that knows torchtext."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice

from torchtext.vocab import Vocab

from project.text import SPECIALS


def build_vocabulary(counter: Counter[str], min_freq: int = 1, max_size: int | None = None) -> list[str]:
    """Return the tokens of `counter`, ``<pad>`` and ``<unk>`` first, then by falling frequency, ties alphabetically.

    Args:
        counter: How often the training texts have each token; val and test never shape a vocabulary.
        min_freq: Occurrences that a token needs.
        max_size: Maximum number of tokens, not counting the two special ones; None keeps all.
    """
    vocabulary: list[str] = Vocab(counter, max_size=max_size, min_freq=min_freq, specials=list(SPECIALS)).itos
    return vocabulary


def extend_vocabulary(tokens: Sequence[str], pretrained: Iterable[str], limit: int) -> list[str]:
    """Return `tokens` followed by the first `limit` pretrained words that are not among them.

    Pretrained vectors come by falling frequency, so these are the commonest words that train lacks.
    """
    known = set(tokens)
    missing = (word for word in dict.fromkeys(pretrained) if word not in known)
    return [*tokens, *islice(missing, limit)]
