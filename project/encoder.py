"""Packed embeddings (N, E) -> one feature vector per text (B, F), and one per token (N, F)."""

from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from project.errors import UserError
from project.packed_rnn.recurrence import Cell, ExactRNN, RecurrencePath, State

Merge = Literal["concat", "sum", "mean", "product"]
Pooling = Literal["last", "mean", "max", "attention"]
InitialState = Literal["zeros", "learned"]


class Encoding(NamedTuple):
    """What the encoder makes of B texts."""

    features: Tensor  # (B, F)
    tokens: PackedSequence  # data (N, F): the last layer's outputs, directions merged

    def padded(self) -> tuple[Tensor, Tensor]:
        """Return the token vectors as (B, T, F), zeros for padding, and the lengths (B,)."""
        return pad_packed_sequence(self.tokens, batch_first=True)


class BiLSTMEncoder(nn.Module):
    """A bidirectional LSTM whose feature is [h_forward ; h_backward] of its last layer; or, by options, one of its kin.

    h_forward is the forward state after a text's last real token, h_backward the backward state after its first, so
    both have read the whole text and neither has seen padding. Recurrent weights start orthogonal (Saxe et al. 2014)
    and an LSTM's forget gates open, with a bias of 1 (Jozefowicz et al. 2015).

    Args:
        embedding_dim: E.
        hidden_size: H, per direction.
        num_layers: L.
        dropout: Between layers.
        cell: lstm, gru, rnn_tanh or rnn_relu.
        bidirectional: Whether a second direction reads from the end; without it the feature is h_forward alone.
        bias: Whether the gates have biases.
        proj_size: Size to which an LSTM projects its h; 0 for none.
        merge: How the two directions' vectors become one: concat (F = 2H), sum, mean or product (F = H).
        pooling: What a text's feature is. last: the merged last states; mean, max: of its tokens' merged outputs;
            attention: their mean, weighted by a learned score (Yang et al. 2016).
        initial_state: zeros, or learned, the same for every text.
        recurrence: Which way `ExactRNN` computes.

    Raises:
        UserError: An argument has a value that is none of these.
    """

    def __init__(
        self,
        embedding_dim: int,
        hidden_size: int,
        num_layers: int = 1,
        dropout: float = 0.0,
        cell: Cell = "lstm",
        bidirectional: bool = True,
        bias: bool = True,
        proj_size: int = 0,
        merge: Merge = "concat",
        pooling: Pooling = "last",
        initial_state: InitialState = "zeros",
        recurrence: RecurrencePath = "auto",
    ) -> None:
        super().__init__()
        for name, value, known in (
            ("merge", merge, Merge),
            ("pooling", pooling, Pooling),
            ("initial_state", initial_state, InitialState),
        ):
            if value not in get_args(known):
                raise UserError(f"{name} is {value!r}: choose one of {', '.join(get_args(known))}")
        self.rnn = ExactRNN(
            cell, embedding_dim, hidden_size, num_layers, bias, dropout, bidirectional, proj_size, recurrence
        )
        self.merge: Merge = merge
        self.pooling: Pooling = pooling
        size = proj_size or hidden_size
        self.output_size = 2 * size if bidirectional and merge == "concat" else size  # F
        self.attention = AttentionScore(self.output_size) if pooling == "attention" else None
        rows = num_layers * self.rnn.directions
        learned = initial_state == "learned"
        self.h_0 = nn.Parameter(torch.zeros(rows, 1, size)) if learned else None
        self.c_0 = nn.Parameter(torch.zeros(rows, 1, hidden_size)) if learned and cell == "lstm" else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw fresh weights of the recurrent network."""
        hidden = self.rnn.hidden_size
        for name, parameter in self.rnn.named_parameters():
            if name.startswith("weight_hh"):
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
        if self.pooling == "last":
            h_n = self.rnn.last_hidden(embedded, self.initial_state(embedded, state))  # (L*D, B, H)
            return self._merge_last(h_n)  # (B, F)
        return self.encode(embedded, state).features  # (B, F)

    def encode(self, embedded: PackedSequence, state: State | None = None) -> Encoding:
        """Return the features, and one merged vector per token; see `forward` for the arguments."""
        outputs, last = self.rnn(embedded, self.initial_state(embedded, state))  # data (N, D*H)
        tokens = outputs._replace(data=self._merge_tokens(outputs.data))  # data (N, F)
        if self.pooling == "last":
            return Encoding(self._merge_last(last if isinstance(last, Tensor) else last[0]), tokens)
        return Encoding(self._pool(tokens), tokens)

    def initial_state(self, embedded: PackedSequence, state: State | None = None) -> State | None:
        """Return `state` if it is given, else the learned one for each text of `embedded`; None means zeros."""
        if state is not None or self.h_0 is None:
            return state
        texts = int(embedded.batch_sizes[0])
        h_0 = self.h_0.expand(-1, texts, -1)  # (L*D, B, H)
        return h_0 if self.c_0 is None else (h_0, self.c_0.expand(-1, texts, -1))

    def _merge_last(self, h_n: Tensor) -> Tensor:
        """Merge the last layer's states out of `h_n` (L*D, B, H) into (B, F)."""
        if not self.rnn.bidirectional:
            return h_n[-1]  # (B, H)
        return merge_directions(h_n[-2], h_n[-1], self.merge)  # (B, F)

    def _merge_tokens(self, outputs: Tensor) -> Tensor:
        """Merge `outputs` (N, D*H), forward half first, into (N, F)."""
        if not self.rnn.bidirectional or self.merge == "concat":
            return outputs  # (N, D*H)
        forward, backward = outputs.chunk(2, dim=1)  # (N, H) each
        return merge_directions(forward, backward, self.merge)  # (N, F)

    def _pool(self, tokens: PackedSequence) -> Tensor:
        """Make one vector (B, F) of each text's token vectors."""
        if self.pooling == "max":
            padded, _ = pad_packed_sequence(tokens, batch_first=True, padding_value=-torch.inf)  # (B, T, F)
            return padded.amax(1)  # (B, F)
        padded, lengths = pad_packed_sequence(tokens, batch_first=True)  # (B, T, F), (B,)
        if self.attention is None:
            return padded.sum(1) / lengths.to(padded.device).unsqueeze(1)  # (B, F)
        scores = tokens._replace(data=self.attention(tokens.data))  # data (N, 1)
        weights = pad_packed_sequence(scores, batch_first=True, padding_value=-torch.inf)[0].softmax(1)  # (B, T, 1)
        return (weights * padded).sum(1)  # (B, F)


class AttentionScore(nn.Module):
    """How much a token's vector counts: v^T tanh(W x + b), as in Yang et al. 2016.

    Args:
        size: F.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.projection = nn.Linear(size, size)
        self.context = nn.Linear(size, 1, bias=False)

    def forward(self, vectors: Tensor) -> Tensor:
        """Return scores (N, 1) of `vectors` (N, F)."""
        scores: Tensor = self.context(self.projection(vectors).tanh())
        return scores


def merge_directions(forward: Tensor, backward: Tensor, merge: Merge) -> Tensor:
    """Make one vector (..., F) of a forward and a backward one (..., H) each."""
    if merge == "concat":
        return torch.cat([forward, backward], dim=-1)
    if merge == "product":
        return forward * backward
    total = forward + backward
    return total / 2 if merge == "mean" else total
