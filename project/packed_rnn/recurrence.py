"""Packed embeddings -> outputs and last states of a recurrent network: exact, and fast on CPU and GPU."""

import warnings
from functools import cache
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from project.errors import UserError
from project.packed_rnn.direction import Direction, Kernel, Manner, hold_c
from project.packed_rnn.grid import gather, make_grid, read, spread, write
from project.packed_rnn.side_by_side import side_by_side
from project.packed_rnn.threads import spare_threads, use_all, use_half

Cell = Literal["lstm", "gru", "rnn_tanh", "rnn_relu"]
Path = Literal["packed", "padded", "parallel", "lean"]
RecurrencePath = Literal["auto", "packed", "padded", "parallel", "lean"]
State = Tensor | tuple[Tensor, Tensor]  # h (L*D, B, H); with an LSTM (h, c)

KERNELS: dict[str, Kernel] = {
    "LSTM": torch.lstm,
    "GRU": torch.gru,
    "RNN_TANH": torch.rnn_tanh,
    "RNN_RELU": torch.rnn_relu,
}
BLOCK_STEPS, BLOCK_CELLS = 64, 4096  # least time steps and cells of a block: each block reads and writes all weights


class ExactRNN(nn.RNNBase):
    """`torch.nn.LSTM`, `GRU` or `RNN` over packed sequences, with two more ways to compute exactly the same.

    packed
        torch's own kernel for PackedSequence. On a GPU that is cuDNN. On a CPU its backward pass is quadratic in T
        (pytorch#149194), and oneDNN is never used.
    padded
        Each direction of each layer runs on its own as a padded one-directional network, which for an LSTM oneDNN
        computes; for the backward one every text is turned round within its own length. Reading the states at the real
        lengths gives exactly the packed result: padding lies behind the last token in both directions.
    parallel
        The same, with the two directions of a layer side by side in two threads. Of long texts of
        different lengths, the layers below the last one are computed again for the backward, block by block.
    lean
        The same as parallel, but all layers are: a training step takes about a fifth longer and less memory.
    auto
        Packed on a GPU; on a CPU whichever is fastest for the batch, see `path_for`.

    Parameters and state_dict are those of torch's module, and so is what it takes and returns, but for plain tensors
    instead of packed ones.

    Args:
        cell: Kind of network.
        input_size: I.
        hidden_size: H, per direction.
        num_layers: L.
        bias: Whether the gates have biases.
        dropout: Between layers; with one layer there is nothing to drop.
        bidirectional: Whether D is 2.
        proj_size: Size to which an LSTM projects h (Sak et al. 2014); 0 for none.
        path: How it is computed.

    Raises:
        UserError: The arguments contradict each other.
    """

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        dropout: float = 0.0,
        bidirectional: bool = True,
        proj_size: int = 0,
        path: RecurrencePath = "auto",
    ) -> None:
        if cell not in get_args(Cell):
            raise UserError(f"cell is {cell!r}: choose one of {', '.join(get_args(Cell))}")
        if path not in get_args(RecurrencePath):
            raise UserError(f"recurrence is {path!r}: choose one of {', '.join(get_args(RecurrencePath))}")
        if proj_size and (cell != "lstm" or not 0 < proj_size < hidden_size):
            raise UserError(f"proj_size is {proj_size}: only an LSTM projects, to less than hidden_size={hidden_size}")
        super().__init__(
            cell.upper(),
            input_size,
            hidden_size,
            num_layers,
            bias=bias,
            dropout=dropout if num_layers > 1 else 0.0,  # torch warns about dropout with one layer
            bidirectional=bidirectional,
            proj_size=proj_size,
        )
        self.path = path
        if proj_size:  # once a process, about what docs and `path_for` say
            warnings.filterwarnings("ignore", message="LSTM with projections is not supported with oneDNN")

    @property
    def directions(self) -> int:
        """D."""
        return 2 if self.bidirectional else 1

    def forward(self, packed: PackedSequence, hx: State | None = None) -> tuple[PackedSequence, State]:
        """Run all layers.

        Args:
            packed: `data` (N, I).
            hx: Initial h (L*D, B, H), with an LSTM (h, c), texts in their original order; zeros where None. They are
                brought to the data's dtype and device.

        Returns:
            The last layer's outputs, packed, `data` (N, D*H); and the last h (L*D, B, H), with an LSTM (h, c), texts
            in their original order. `h[-2]` is the forward state after the last token, `h[-1]` the backward state after
            the first; with `proj_size`, h is of that size and c of H.

        Raises:
            UserError: float16 on a CPU, which torch's kernels refuse; or states of other shapes.
        """
        output, last = self._run(packed, hx)
        return output, (last[0], last[1]) if len(last) == 2 else last[0]

    def last_hidden(self, packed: PackedSequence, hx: State | None = None) -> Tensor:
        """Return h as `forward` does, without computing what only the outputs and c need."""
        return self._run(packed, hx, hidden_only=True)[1][0]

    def _run(
        self, packed: PackedSequence, hx: State | None, hidden_only: bool = False
    ) -> tuple[PackedSequence, list[Tensor]]:
        """Return the outputs, which mean nothing if `hidden_only`, and the last h, with an LSTM h and c."""
        if self._needs_float32(packed.data):
            with torch.autocast("cpu", enabled=False):
                return self._run(packed._replace(data=packed.data.float()), hx, hidden_only)
        states = self._initial(packed, hx)
        path = self.path_for(packed)
        if path == "packed":
            data, last = self._run_packed(packed, states)
        else:
            data, last = self._run_padded(packed, states, path, hidden_only)
        return packed._replace(data=data), [_unsorted(state, packed) for state in last]

    def path_for(self, packed: PackedSequence) -> Path:
        """Return how `packed` is computed: by `path`, or where that is auto by what `make bench` measures on a CPU.

        Side by side pays when one direction of a layer has enough to compute, and there is a core for each. torch's
        packed kernel, with all threads, is as fast where all lengths are equal and the batch is small, and faster with
        few time steps unless there is much to compute in each. GRU and RNN have no oneDNN kernel, and a backward of
        many small operations, which threads do not speed up: there only its quadratic growth speaks against packed.
        """
        if self.path != "auto":
            return self.path
        data, batch_sizes = packed.data, packed.batch_sizes
        if not data.is_cpu:
            return "packed" if data.is_cuda else "padded"  # the packed kernel is wrong on MPS (pytorch#95118)
        steps, training = len(batch_sizes), torch.is_grad_enabled()
        operations = 2 * len(data) * sum(weight.numel() for weight in self.all_weights[0][:2])
        equal = equal_lengths(packed)
        if not self._uses_onednn:
            packed_is_fast, enough = not training or steps < 100, not training and operations >= 1.5e8
        elif equal:
            narrow = training and self.hidden_size <= 64  # turning the texts round costs as much as the products
            packed_is_fast, enough = True, steps >= 100 and operations >= (5e8 if training else 1e9) and not narrow
        else:
            packed_is_fast = steps < (10 if training else 21)
            few_steps, more_steps = (2e8, 1.2e8) if training else (1.2e8, 4e7)
            enough = operations >= (few_steps if steps < 10 else more_steps)
        if enough and self.bidirectional and spare_threads():
            return "parallel"
        return "packed" if packed_is_fast else "padded"

    @property
    def _uses_onednn(self) -> bool:
        return self.mode == "LSTM" and not self.proj_size

    def _needs_float32(self, data: Tensor) -> bool:
        """Whether autocast asks for bfloat16 where this processor has no such LSTM kernel."""
        asked = data.is_cpu and torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16
        return asked and self._uses_onednn and not autocast_has_bfloat16()

    def _initial(self, packed: PackedSequence, hx: State | None) -> list[Tensor]:
        """Return h, with an LSTM h and c, texts sorted as in `packed`."""
        data, batch_sizes, sorted_indices, _ = packed
        if data.device.type == "cpu" and float16_asked(data):
            raise UserError("torch's recurrent kernels have no float16 on a CPU: use bfloat16 or float32")
        texts, rows = int(batch_sizes[0]), self.num_layers * self.directions
        sizes = [self.proj_size or self.hidden_size, self.hidden_size][: 2 if self.mode == "LSTM" else 1]
        if hx is None:
            return [data.new_zeros(rows, texts, size) for size in sizes]
        given = [hx] if isinstance(hx, Tensor) else list(hx)
        expected = [(rows, texts, size) for size in sizes]
        if [tuple(state.shape) for state in given] != expected:
            shapes = " and ".join(str(tuple(state.shape)) for state in given)
            raise UserError(f"initial states have shapes {shapes}, needed: {' and '.join(map(str, expected))}")
        given = [state.to(data) for state in given]
        return given if sorted_indices is None else [state.index_select(1, sorted_indices) for state in given]

    def _run_packed(self, packed: PackedSequence, states: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Return the outputs (N, D*H), and the last h, with an LSTM h and c, texts sorted as in `packed`."""
        use_all()
        data, *last = KERNELS[self.mode](
            packed.data,
            packed.batch_sizes,
            tuple(states) if self.mode == "LSTM" else states[0],
            self._flat_weights,
            self.bias,
            self.num_layers,
            self.dropout,
            self.training,
            self.bidirectional,
        )
        return data, last

    def _run_padded(
        self, packed: PackedSequence, states: list[Tensor], path: Path, hidden_only: bool
    ) -> tuple[Tensor, list[Tensor]]:
        """Return the outputs, (N, D*H) unless `hidden_only`, and the last states as `_run_packed` does."""
        use_half()
        most_steps = max(BLOCK_STEPS, BLOCK_CELLS // int(packed.batch_sizes[0]))
        grid = make_grid(packed.batch_sizes, most_steps if torch.is_grad_enabled() else None).to(packed.data.device)
        values = spread(packed.data, grid)  # (cells, I)
        need_c = self.mode == "LSTM" and not hidden_only
        last: list[list[Tensor]] = []  # of each direction of each layer, (B, H)
        for layer in range(self.num_layers):
            if layer:
                values = nn.functional.dropout(values, self.dropout, self.training)  # (cells, D*H)
            below = layer + 1 < self.num_layers
            need_outputs = below or not hidden_only
            # a step is 7 % longer where long texts' lower layers are computed again, and takes 30 % less memory; with
            # equal lengths packed is fast itself, and takes as much
            lean = path == "lean" or (below and len(grid.blocks) > 1 and not equal_lengths(packed))
            manner = Manner(KERNELS[self.mode], self.bias, self.training, need_c, lean)
            rows = range(layer * self.directions, (layer + 1) * self.directions)
            weights: list[list[Tensor]] = [list(self.all_weights[row]) for row in rows]
            if need_c and grid.padding is not None:
                values, weights = hold_c(values, weights, grid.padding)
            directions = [
                Direction(manner, grid, cells, [state[row] for state in states], own, need_outputs)
                for cells, row, own in zip(read(values, grid, self.directions), rows, weights, strict=True)
            ]
            for block in range(len(grid.blocks)):
                _run_block(directions, block, both=path != "padded" and self.bidirectional)
            last += [direction.last() for direction in directions]
            if need_outputs:
                values = write([direction.outputs() for direction in directions], grid)  # (cells, D*H)
        data = values if hidden_only else gather(values, grid)
        return data, [torch.stack(kind) for kind in zip(*last, strict=True)]


def _run_block(directions: list[Direction], block: int, both: bool) -> None:
    """Let `directions` go through a block, `both` at once or one after the other."""
    calls = [direction.call(block) for direction in directions]
    results = side_by_side(*calls) if both else [function(*tensors) for function, tensors in calls]
    for direction, result in zip(directions, results, strict=True):
        direction.take(block, result)


@cache
def autocast_has_bfloat16() -> bool:
    """Whether an LSTM under autocast to bfloat16 runs on this processor; without AVX-512 it fails (pytorch#88136)."""
    lstm = nn.LSTM(1, 1)
    try:
        with torch.inference_mode(False), torch.autocast("cpu", torch.bfloat16):
            lstm(torch.zeros(1, 1, 1))
    except RuntimeError:
        return False
    return True


def equal_lengths(packed: PackedSequence) -> bool:
    """Whether all texts have as many tokens."""
    return bool(packed.batch_sizes[0] == packed.batch_sizes[-1])


def float16_asked(data: Tensor) -> bool:
    """Whether `data` is float16, or autocast would make it so on a CPU."""
    return torch.float16 in (data.dtype, torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu"))


def _unsorted(states: Tensor, packed: PackedSequence) -> Tensor:
    return states if packed.unsorted_indices is None else states.index_select(1, packed.unsorted_indices)
