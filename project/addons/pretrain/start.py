"""A file of words, vectors and weights -> a network that starts from them: ``--model.init_from``."""

from pathlib import Path

from lightning.pytorch.utilities import rank_zero_only
from torch import nn

from project.batch import DataFacts
from project.errors import UserError
from project.ingest import check_unread
from project.pretrained import Pretrained, read_pretrained, vectors_of


def start(path: Path, network: nn.Module, facts: DataFacts) -> None:
    """Take over the weights and word vectors of a file that has read no text of the corpus's val and test.

    Raises:
        UserError: It has read one, or it does not fit.
    """
    pretrained = read_pretrained(path)
    if facts.corpus is not None:
        check_unread(path, pretrained.read.tolist(), facts.corpus)
    rank_zero_only(print)(f"started from {path}: {start_from(pretrained, network, facts.tokenizer.tokens)}")


def start_from(pretrained: Pretrained, network: nn.Module, tokens: list[str]) -> str:
    """Copy weights by name and shape, and the embedding's rows by word, into `network`; return what was taken.

    Raises:
        UserError: A weight has another shape, or none has a name that the network knows.
    """
    own = network.state_dict()
    for name, weight in pretrained.weights.items():
        if name in own and own[name].shape != weight.shape:
            shapes = f"{tuple(weight.shape)}, the network {tuple(own[name].shape)}"
            raise UserError(f"{pretrained.path} has {name} as {shapes}: use the --model options that it was made with")
    taken = {name: weight for name, weight in pretrained.weights.items() if name in own}
    network.load_state_dict(taken, strict=False)
    vectors, found = vectors_of(tokens, pretrained)
    network.get_submodule("embedding").load_pretrained(vectors, found)  # type: ignore[operator]
    if pretrained.weights and not taken:
        raise UserError(f"{pretrained.path} has no weight of this network, only {', '.join(pretrained.weights)}")
    count = f"{len(taken)} of {len(pretrained.weights)} weights"
    return f"{count}, vectors of {int(found.sum()):,} of {len(tokens):,} tokens"
