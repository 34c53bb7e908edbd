"""Packed embeddings -> outputs and last states of a bidirectional LSTM: exact, and fast on CPU and GPU."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

RecurrencePath = Literal["auto", "packed", "padded"]


class Rows(NamedTuple):
    """Where the N packed tokens stand in a padded, time-major grid of T x B cells."""

    forward: Tensor  # (N,) cell of each token, reading left to right
    reverse: Tensor  # (N,) cell of each token when every text is flipped within its own length
    last: Tensor  # (B,) packed position of each text's last token
    steps: int  # T
    texts: int  # B


def padded_rows(batch_sizes: Tensor, device: torch.device) -> Rows:
    """Derive `Rows` from the `batch_sizes` (T,) of a PackedSequence."""
    steps, texts = len(batch_sizes), int(batch_sizes[0])
    starts = batch_sizes.cumsum(0) - batch_sizes  # (T,) packed position of each step's first token
    step = torch.repeat_interleave(torch.arange(steps), batch_sizes)  # (N,)
    text = torch.arange(len(step)) - starts[step]  # (N,)
    lengths = (batch_sizes.unsqueeze(1) > torch.arange(texts)).sum(0)  # (B,)
    return Rows(
        forward=(step * texts + text).to(device),
        reverse=((lengths[text] - 1 - step) * texts + text).to(device),
        last=(starts[lengths - 1] + torch.arange(texts)).to(device),
        steps=steps,
        texts=texts,
    )


class ExactLSTM(nn.LSTM):
    """`torch.nn.LSTM` over packed sequences with a second, exact way to compute the same thing.

    packed
        torch's own kernel for PackedSequence. On a GPU that is cuDNN. On a CPU its backward pass is quadratic in T
        (pytorch#149194), and oneDNN is never used.
    padded
        Each direction runs on its own as a padded one-directional LSTM, which oneDNN computes; for the backward one
        every text is flipped within its own length. Reading the states at the real lengths gives exactly the packed
        result: padding lies behind the last token in both directions.
    auto
        packed on a GPU, padded on a CPU.

    Parameters and state_dict are those of `nn.LSTM`.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        dropout: float = 0.0,
        bidirectional: bool = True,
        path: RecurrencePath = "auto",
    ) -> None:
        # nn.LSTM warns about dropout with one layer: there is nothing between layers to drop
        between = dropout if num_layers > 1 else 0.0
        super().__init__(input_size, hidden_size, num_layers, dropout=between, bidirectional=bidirectional)
        self.path = path

    def forward(self, packed: PackedSequence) -> tuple[PackedSequence, Tensor]:  # type: ignore[override]
        """Run all layers.

        Args:
            packed: `data` (N, E).

        Returns:
            The last layer's outputs, packed, `data` (N, D*H); and h_n (L*D, B, H), texts in their original order:
            `h_n[-2]` is the forward state after the last token, `h_n[-1]` the backward state after the first.
        """
        padded = self.path == "padded" or (self.path == "auto" and packed.data.device.type == "cpu")
        if not padded:
            output, (h_n, _) = super().forward(packed)
            return output, h_n
        return self._run_padded(packed)

    def _run_padded(self, packed: PackedSequence) -> tuple[PackedSequence, Tensor]:
        data, batch_sizes, sorted_indices, unsorted_indices = packed
        rows = padded_rows(batch_sizes, data.device)
        states = []
        for layer in range(self.num_layers):
            if layer:
                data = nn.functional.dropout(data, self.dropout, self.training)  # (N, D*H)
            outputs = [self._run_direction(data, rows, layer, reverse=False)]  # (N, H)
            states.append(outputs[0][rows.last])  # (B, H)
            if self.bidirectional:
                outputs.append(self._run_direction(data, rows, layer, reverse=True))  # (N, H)
                states.append(outputs[1][: rows.texts])  # (B, H): a flipped text ends at its first token
            data = torch.cat(outputs, dim=1)  # (N, D*H)
        h_n = torch.stack(states)  # (L*D, B, H)
        if unsorted_indices is not None:
            h_n = h_n.index_select(1, unsorted_indices)
        return PackedSequence(data, batch_sizes, sorted_indices, unsorted_indices), h_n

    def _run_direction(self, data: Tensor, rows: Rows, layer: int, reverse: bool) -> Tensor:
        """Run one direction of one layer over `data` (N, I); return its outputs (N, H)."""
        cells = rows.reverse if reverse else rows.forward
        grid = data.new_zeros(rows.steps * rows.texts, data.shape[1]).index_copy(0, cells, data)  # (T*B, I)
        suffix = f"l{layer}_reverse" if reverse else f"l{layer}"
        weights = [getattr(self, f"{name}_{suffix}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
        zeros = data.new_zeros(1, rows.texts, self.hidden_size)
        output, _, _ = torch.lstm(
            grid.view(rows.steps, rows.texts, -1), (zeros, zeros), weights, True, 1, 0.0, self.training, False, False
        )  # (T, B, H)
        return output.reshape(-1, self.hidden_size).index_select(0, cells)
