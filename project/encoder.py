"""Packed embeddings (N, E) -> one feature vector per text (B, F), and one per token (N, F)."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from importlib import import_module
from inspect import signature
from typing import Any, NamedTuple, TypedDict

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from project.errors import UserError
from project.packed_rnn import GRU, LSTM, RNN  # `from torch.nn import GRU, LSTM, RNN` gives the same, slower

State = Tensor | tuple[Tensor, Tensor]  # h (L*D, B, H); with an LSTM (h, c)

CELLS: dict[str, Callable[..., nn.RNNBase]] = {
    "lstm": LSTM,
    "gru": GRU,
    "rnn_tanh": partial(RNN, nonlinearity="tanh"),
    "rnn_relu": partial(RNN, nonlinearity="relu"),
}

# how a forward and a backward vector, (..., H) each, become one
MERGES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "concat": lambda forward, backward: torch.cat([forward, backward], dim=-1),  # (..., 2H)
    "sum": torch.add,
    "mean": lambda forward, backward: (forward + backward) / 2,
    "product": torch.mul,
}


def mean_pooling(tokens: PackedSequence) -> Tensor:
    """Return the mean (B, F) of each text's vectors, data (N, F)."""
    padded, lengths = pad_packed_sequence(tokens, batch_first=True)  # (B, T, F), (B,)
    return padded.sum(1) / lengths.to(padded.device).unsqueeze(1)  # (B, F)


def max_pooling(tokens: PackedSequence) -> Tensor:
    """Return the elementwise maximum of each text's vectors, (B, F) for data (N, F)."""
    return pad_packed_sequence(tokens, batch_first=True, padding_value=-torch.inf)[0].amax(1)  # (B, F)


class AttentionPooling(nn.Module):
    """The mean of a text's token vectors, weighted by the softmax of v^T tanh(W x + b) (Yang et al. 2016).

    Args:
        size: F.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.projection = nn.Linear(size, size)
        self.context = nn.Linear(size, 1, bias=False)

    def forward(self, tokens: PackedSequence) -> Tensor:
        """Return (B, F) for `tokens`, data (N, F)."""
        padded, _ = pad_packed_sequence(tokens, batch_first=True)  # (B, T, F)
        scores = tokens._replace(data=self.context(self.projection(tokens.data).tanh()))  # data (N, 1)
        weights = pad_packed_sequence(scores, batch_first=True, padding_value=-torch.inf)[0].softmax(1)  # (B, T, 1)
        return (weights * padded).sum(1)  # (B, F)


LAST = "last"  # the pooling that takes the last states: [h_forward ; h_backward]
POOLINGS: dict[str, Callable[[int], Callable[[PackedSequence], Tensor]]] = {  # for F
    "mean": lambda size: mean_pooling,
    "max": lambda size: max_pooling,
    "attention": AttentionPooling,
}


class Encoding(NamedTuple):
    """What the encoder makes of B texts."""

    features: Tensor  # (B, F)
    tokens: PackedSequence  # data (N, F): the last layer's outputs, directions merged


def check_packed(texts: PackedSequence | Tensor) -> PackedSequence:
    """Return `texts`.

    Raises:
        TypeError: They are a padded tensor, in which padding could not be told from tokens.
    """
    if isinstance(texts, PackedSequence):
        return texts
    how = "torch.nn.utils.rnn.pack_padded_sequence(padded, lengths, batch_first=True, enforce_sorted=False)"
    raise TypeError(f"a PackedSequence is expected, not {type(texts).__name__}: pack a padded batch with {how}")


class Encoder(nn.Module, ABC):
    """The interface of an encoder: one feature vector per text. To add an encoder, write a subclass.

    Its first argument is the size of an embedding (E). The others are its options, plain values, which are also
    options of the command line: ``--model.encoder=NAME --model.encoder.OPTION=...``.

    Attributes:
        output_size: F.
    """

    output_size: int

    def __call__(self, embedded: PackedSequence, *args: Any, **kwargs: Any) -> Tensor:
        """Check that `embedded` is packed, then do what any module does."""
        return super().__call__(check_packed(embedded), *args, **kwargs)  # type: ignore[no-any-return]

    @abstractmethod
    def forward(self, embedded: PackedSequence) -> Tensor:
        """Return the features (B, F) of `embedded`, whose data is (N, E)."""


class CNNEncoder(Encoder):
    """The largest value of each filter over all windows of a text's tokens (Kim 2014).

    Args:
        embedding_dim: E.
        channels: Number of filters (F).
        width: Tokens in a window.
    """

    def __init__(self, embedding_dim: int, channels: int = 128, width: int = 3) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(embedding_dim, channels, width, padding="same")
        self.output_size = channels

    def forward(self, embedded: PackedSequence) -> Tensor:
        """Return the features (B, F) of `embedded`, whose data is (N, E)."""
        padded, lengths = pad_packed_sequence(embedded, batch_first=True)  # (B, T, E), (B,)
        values = self.convolution(padded.transpose(1, 2)).relu()  # (B, F, T)
        padding = torch.arange(padded.shape[1]) >= lengths.unsqueeze(1)  # (B, T)
        return torch.amax(values.masked_fill(padding.unsqueeze(1).to(values.device), 0.0), 2)  # (B, F), none is below 0


class BiLSTMEncoder(Encoder):
    """A bidirectional LSTM whose feature is [h_forward ; h_backward] of its last layer; options select its variants.

    h_forward is the forward state after a text's last real token, h_backward the backward state after its first, so
    both have read the whole text and neither has seen padding. Recurrent weights start orthogonal (Saxe et al. 2014)
    and an LSTM's forget gates open, with a bias of 1 (Jozefowicz et al. 2015).

    Args:
        embedding_dim: E.
        hidden_size: Size of a recurrent state (H), per direction.
        num_layers: Number of stacked layers (L).
        dropout: Dropout probability between layers.
        cell: lstm, gru, rnn_tanh or rnn_relu.
        bidirectional: Whether a second direction reads from the end; without it the feature is h_forward alone.
        bias: Whether the gates have biases.
        proj_size: Size to which an LSTM projects its h; 0 for none.
        merge: How the two directions' vectors become one: concat (F = 2H), sum, mean or product (F = H).
        pooling: What a text's feature is: its last states, merged, or the mean, max or attention over its tokens'
            merged outputs.
        initial_state: zeros, or learned, the same for every text.

    Raises:
        UserError: An argument has an unknown value.
    """

    def __init__(
        self,
        embedding_dim: int,
        hidden_size: int = 128,
        num_layers: int = 1,
        dropout: float = 0.5,
        cell: str = "lstm",
        bidirectional: bool = True,
        bias: bool = True,
        proj_size: int = 0,
        merge: str = "concat",
        pooling: str = LAST,
        initial_state: str = "zeros",
    ) -> None:
        super().__init__()
        _check_known("cell", cell, CELLS)
        _check_known("merge", merge, MERGES)
        _check_known("pooling", pooling, [LAST, *POOLINGS])
        _check_known("initial_state", initial_state, ["zeros", "learned"])
        if num_layers > 100:  # each is built one after the other
            raise UserError(f"num_layers is {num_layers}: choose 100 or fewer")
        if proj_size and (cell != "lstm" or not 0 < proj_size < hidden_size):
            raise UserError(f"proj_size is {proj_size}: only an LSTM projects, to less than hidden_size={hidden_size}")
        options: dict[str, Any] = {"bias": bias, "bidirectional": bidirectional}
        options |= {"dropout": dropout} if num_layers > 1 else {}  # torch warns about dropout with one layer
        options |= {"proj_size": proj_size} if proj_size else {}
        self.rnn = CELLS[cell](embedding_dim, hidden_size, num_layers, **options)
        self.merge, self.pooling = merge, pooling
        size = proj_size or hidden_size
        one = torch.zeros(1, device="cpu")  # also while there is nothing but shapes
        self.output_size = size * len(self._merge(one, one))  # F
        self.pool = None if pooling == LAST else POOLINGS[pooling](self.output_size)
        rows = num_layers * (1 + bidirectional)
        learned = initial_state == "learned"
        self.h_0 = nn.Parameter(torch.zeros(rows, 1, size)) if learned else None
        self.c_0 = nn.Parameter(torch.zeros(rows, 1, hidden_size)) if learned and cell == "lstm" else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw fresh weights for the recurrent network."""
        hidden = self.rnn.hidden_size
        for name, parameter in self.rnn.named_parameters():
            if name.startswith("weight_hh") and not parameter.is_meta:  # for qr on meta torch imports for a second
                for gate in parameter.detach().view(-1, hidden, parameter.shape[1]):
                    nn.init.orthogonal_(gate)
            elif name.startswith("weight"):
                nn.init.xavier_uniform_(parameter)
            else:
                nn.init.zeros_(parameter)
                if name.startswith("bias_ih") and self.rnn.mode == "LSTM":
                    nn.init.ones_(parameter.detach()[hidden : 2 * hidden])  # gates: input, forget, cell, output

    def forward(self, embedded: PackedSequence, state: State | None = None) -> Tensor:
        """Return the features (B, F) of `embedded`, whose data is (N, E).

        Args:
            embedded: Packed embeddings.
            state: Initial h (L*D, B, H), with an LSTM (h, c), instead of the encoder's own.
        """
        if self.pool is not None:
            return self.encode(embedded, state).features  # (B, F)
        state = self.initial_state(embedded, state)
        last_hidden = getattr(self.rnn, "last_hidden", None)  # skips what only token vectors need; torch's own lacks it
        h_n = last_hidden(embedded, state) if last_hidden else hidden_of(self.rnn(embedded, state)[1])  # (L*D, B, H)
        return self._last(h_n)  # (B, F)

    def encode(self, embedded: PackedSequence, state: State | None = None) -> Encoding:
        """Return the features, and one merged vector per token; see `forward` for the arguments."""
        outputs, last = self.rnn(check_packed(embedded), self.initial_state(embedded, state))  # data (N, D*H)
        halves = outputs.data.chunk(1 + self.rnn.bidirectional, dim=1)  # (N, H) each, the forward one first
        tokens = outputs._replace(data=self._merge(*halves))  # data (N, F)
        return Encoding(self._last(hidden_of(last)) if self.pool is None else self.pool(tokens), tokens)

    def initial_state(self, embedded: PackedSequence, state: State | None = None) -> State | None:
        """Return `state` if it is given, else the learned one for each text of `embedded`; None means zeros."""
        if state is not None or self.h_0 is None:
            return state
        texts = int(embedded.batch_sizes[0])
        h_0 = self.h_0.expand(-1, texts, -1)  # (L*D, B, H)
        return h_0 if self.c_0 is None else (h_0, self.c_0.expand(-1, texts, -1))

    def _last(self, h_n: Tensor) -> Tensor:
        """Merge the last layer's states, the last rows of `h_n` (L*D, B, H), into (B, F)."""
        return self._merge(h_n[-2], h_n[-1]) if self.rnn.bidirectional else h_n[-1]

    def _merge(self, forward: Tensor, backward: Tensor | None = None) -> Tensor:
        """Return (..., F) for vectors (..., H) of one direction or two."""
        if backward is None or not self.rnn.bidirectional:
            return forward
        return MERGES[self.merge](forward, backward)


def hidden_of(state: State) -> Tensor:
    """Return h of what a recurrent module returns as its last state."""
    return state if isinstance(state, Tensor) else state[0]


def _check_known(name: str, value: str, known: Iterable[str]) -> None:
    if value not in known:
        raise UserError(f"{name} is {value!r}: choose one of {', '.join(known)}")


class EncoderState(TypedDict):
    """An encoder as checkpoints and configurations name it: never code, only a class that is looked up in this tree."""

    class_path: str
    init_args: dict[str, Any]  # plain values


def encoder_state(encoder: Callable[..., Encoder] | EncoderState) -> EncoderState:
    """Return how a checkpoint names an encoder: a class, or a `functools.partial` of one, with all its options.

    Raises:
        UserError: It is neither.
    """
    if isinstance(encoder, Mapping):
        return encoder
    options = encoder.keywords if isinstance(encoder, partial) else {}
    *_, kind = (encoder.func, *encoder.args) if isinstance(encoder, partial) else (encoder,)
    if not (isinstance(kind, type) and issubclass(kind, Encoder)):
        raise UserError(f"encoder is {encoder!r}: give a subclass of Encoder, or a functools.partial of one")
    defaults = {p.name: p.default for p in signature(kind).parameters.values() if p.default is not p.empty}
    return {"class_path": f"{kind.__module__}.{kind.__name__}", "init_args": defaults | options}


def encoder_class(state: EncoderState) -> type[Encoder]:
    """Return the class that a checkpoint names.

    Raises:
        UserError: This tree does not have it.
    """
    module, _, name = state["class_path"].rpartition(".")
    if module.partition(".")[0] == __name__.partition(".")[0]:  # from elsewhere nothing is imported
        with suppress(ModuleNotFoundError):
            import_module(module)
    kind = getattr(sys.modules.get(module), name, None)
    if not (isinstance(kind, type) and issubclass(kind, Encoder)):
        raise UserError(f"encoder {name!r} needs {module}, which this tree lacks")
    return kind


def build_encoder(state: EncoderState, embedding_dim: int) -> Encoder:
    """Build the encoder that a checkpoint names, with random weights.

    Raises:
        UserError: This tree does not have its class, or an option has no such value.
    """
    kind = encoder_class(state)
    try:
        return kind(embedding_dim, **state["init_args"])
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"{kind.__name__}: {str(error).split('Exception raised from')[0]}") from error
