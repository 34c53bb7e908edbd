"""Packed token ids (N,) -> embedding -> encoder -> dropout -> linear -> logits (B, C): a plain nn.Module."""

from collections.abc import Callable, Mapping
from typing import Any, TypedDict

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence
from torch.overrides import TorchFunctionMode

from project.encoder import BiLSTMEncoder, Encoder, EncoderState, build_encoder, check_packed, encoder_state
from project.errors import UserError
from project.registry import find
from project.text import PAD_ID

RANDOM_STD = 0.1  # of vectors that are not pretrained


class WordEmbedding(nn.Module):
    """One vector per word: those of training words are trained, those at the end of the vocabulary are frozen.

    Frozen vectors are a buffer, so neither gradient nor weight decay reaches them.

    Args:
        vocab_size: V.
        embedding_dim: E.
        num_frozen: How many words at the end of the vocabulary are frozen.
    """

    def __init__(self, vocab_size: int, embedding_dim: int, num_frozen: int = 0) -> None:
        super().__init__()
        self.trained = nn.Embedding(vocab_size - num_frozen, embedding_dim, padding_idx=PAD_ID)
        nn.init.normal_(self.trained.weight, std=RANDOM_STD)
        self.register_buffer("frozen", torch.zeros(num_frozen, embedding_dim))
        self.frozen: Tensor

    def load_pretrained(self, vectors: Tensor, found: Tensor) -> None:
        """Copy the rows of `vectors` (V, E) that `found` (V,) marks; the others stay random.

        Raises:
            UserError: E differs from the embedding's.
        """
        (own, dim), size = self.trained.weight.shape, vectors.shape[1]
        if size != dim:
            raise UserError(f"the vectors have {size} dimensions, the model {dim}: set --model.embedding_dim={size}")
        with torch.no_grad():
            self.trained.weight[found[:own]] = vectors[:own][found[:own]]
            self.frozen[found[own:]] = vectors[own:][found[own:]]

    def table(self) -> Tensor:
        """Return the vectors of the whole vocabulary, (V, E)."""
        return torch.cat([self.trained.weight, self.frozen])

    def forward(self, token_ids: Tensor) -> Tensor:
        """Return (N, E) for `token_ids` (N,)."""
        own = self.trained.num_embeddings
        vectors: Tensor = self.trained(token_ids.clamp(max=own - 1))  # (N, E)
        if not len(self.frozen):
            return vectors
        frozen = self.frozen[(token_ids - own).clamp(min=0)]  # (N, E)
        return torch.where((token_ids >= own).unsqueeze(1), frozen, vectors)  # (N, E)


class SentimentNetwork(nn.Module):
    """Embedding, encoder, dropout and linear classifier.

    Args:
        vocab_size: V.
        num_classes: C.
        num_frozen: See `WordEmbedding`.
        embedding_dim: E.
        dropout: On the features.
        embedding_dropout: On the numbers of the embeddings.
        encoder: See `encoder_state`.
    """

    def __init__(
        self,
        vocab_size: int,
        num_classes: int,
        num_frozen: int = 0,
        embedding_dim: int = 50,
        dropout: float = 0.5,
        embedding_dropout: float = 0.5,
        encoder: Callable[..., Encoder] | EncoderState = BiLSTMEncoder,
    ) -> None:
        super().__init__()
        self.embedding = WordEmbedding(vocab_size, embedding_dim, num_frozen)
        self.embedding_dropout = nn.Dropout(embedding_dropout)
        self.encoder = build_encoder(encoder_state(encoder), embedding_dim)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(self.encoder.output_size, num_classes)

    def forward(self, token_ids: PackedSequence) -> Tensor:
        """Return logits (B, C) for packed `token_ids`, whose data is (N,)."""
        vectors = self.embedding_dropout(self.embedding(check_packed(token_ids).data))  # (N, E)
        features = self.encoder(token_ids._replace(data=vectors))  # (B, F)
        logits: Tensor = self.classifier(self.dropout(features))  # (B, C)
        return logits

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """Return the optimizer's groups: weight decay for matrices, none for biases and embedding."""
        others = [p for name, p in self.named_parameters() if not name.startswith("embedding.")]
        matrices, biases = [p for p in others if p.ndim > 1], [p for p in others if p.ndim <= 1]
        decays = (matrices, weight_decay), (biases, 0.0), (list(self.embedding.parameters()), 0.0)
        return [{"params": parameters, "weight_decay": decay} for parameters, decay in decays]


class NetworkState(TypedDict):
    """A network as a checkpoint names it: never code, only a name that is looked up among those of this tree."""

    name: str
    module: str  # where the class was when the checkpoint was written
    arguments: dict[str, Any]


def network_class(name: str, module: str = "") -> Any:
    """Return the network class called `name`: an nn.Module that takes packed token ids and returns logits.

    Raises:
        UserError: This tree has none of that name; `module` tells where it used to be.
    """
    folder = "/".join(module.split(".")[:-1]) or "an add-on"
    own = SentimentNetwork.__name__
    return SentimentNetwork if name == own else find("NETWORKS", name, f"network {name!r} of {folder}", own)


def network_state(name: str, arguments: Mapping[str, Any]) -> NetworkState:
    """Return how a checkpoint names a network."""
    return {"name": name, "module": network_class(name).__module__, "arguments": dict(arguments)}


def build_network(state: NetworkState) -> Any:
    """Build the network that a checkpoint names, with random weights.

    Raises:
        UserError: This tree does not have its class, or an option has no such value.
    """
    try:
        return network_class(state["name"], state["module"])(**state["arguments"])
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"{state['name']}: {str(error).split('Exception raised from')[0]}") from error


class NoDraws(TorchFunctionMode):
    """Leaves out random numbers: on the device meta there are none, and torch imports for a second to find that out."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        drawn = function in (Tensor.normal_, nn.init.normal_)  # the second has no args here, and is used for its effect
        return (*args, None)[0] if drawn else function(*args, **(kwargs or {}))


def network_shapes(state: NetworkState) -> dict[str, torch.Size]:
    """Return the shapes of the weights of a network that is not built, whatever sizes it names.

    Raises:
        UserError: As `build_network` does.
    """
    with torch.device("meta"), NoDraws():
        return {name: weight.shape for name, weight in build_network(state).state_dict().items()}
