"""torch.nn.LSTM, GRU and RNN that are fast for packed sequences."""

import os
import warnings
from contextlib import nullcontext
from functools import cache, partial
from importlib.util import find_spec
from itertools import chain
from typing import Any, get_args

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from .direction import Config, Kernel, run_layer
from .grid import Grid, gather, make_grid, pick, scatter
from .parallel import Call, run_calls
from .paths import Path, Workload, fastest_path
from .threads import can_run_parallel, flush_denormals, half_of_threads

KERNELS: dict[str, Kernel] = {
    "LSTM": torch.lstm,
    "GRU": torch.gru,
    "RNN_TANH": torch.rnn_tanh,
    "RNN_RELU": torch.rnn_relu,
}
FUSED_DTYPES = (torch.float32, torch.float16, torch.bfloat16)
BLOCK_STEPS, BLOCK_CELLS = 64, 4096  # least time steps and cells of a block: each block reads and writes all weights


class PackedRNN(nn.RNNBase):
    """What LSTM, GRU and RNN have in common: several ways to compute exactly the same for packed sequences.

    packed
        torch's own kernel for a PackedSequence. On a GPU that is cuDNN. On a CPU its backward pass is quadratic in T
        (pytorch#149194), and oneDNN is used only if all lengths are equal.
    padded
        Each direction of each layer runs on its own as a padded one-directional network, which oneDNN computes for an
        LSTM; the second direction reads every sequence reversed within its own length. Padding thus comes after the
        last token in both directions, and no token's result depends on it.
    parallel
        The same, with the two directions of a layer at the same time in two threads.
    fused
        An LSTM on an NVIDIA GPU: kernels of our own, in which every sequence takes its own number of steps. cuDNN gives
        packed sequences its slowest algorithm.
    auto
        Whichever is the fastest for the batch, see `path_for`.

    Attributes:
        path: One of the above.
    """

    path: Path = "auto"

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "path" and value not in get_args(Path):
            raise ValueError(f"path is {value!r}: choose one of {', '.join(get_args(Path))}")
        super().__setattr__(name, value)

    def extra_repr(self) -> str:
        """Return torch's line, with a path that is not "auto"."""
        return super().extra_repr() + ("" if self.path == "auto" else f", path={self.path}")

    def forward(self, input: Tensor | PackedSequence, hx: Any = None) -> Any:
        """Take and return what torch's module does."""
        return self._run(input, hx, hidden_only=False)

    def last_hidden(self, packed: PackedSequence, hx: Any = None) -> Tensor:
        """Return h_n as `forward` does, (L*D, B, H), without computing what only the outputs and c_n need."""
        state = self._run(packed, hx, hidden_only=True)[1]
        return state if isinstance(state, Tensor) else state[0]

    def path_for(self, packed: PackedSequence) -> Path:
        """Return how `packed` is computed: never "auto". The choice depends on batch, network and threads."""
        data = packed.data
        if data.is_cpu and torch.float16 in (data.dtype, autocast_dtype(data)):
            return "packed"  # oneDNN has no float16 on most processors
        if data.is_mps:
            return "padded"  # the packed kernel is wrong there (pytorch#95118)
        if self.path == "auto":
            return fastest_path(self._workload(packed), self.bidirectional and can_run_parallel())
        if self.path == "fused":
            return "fused" if self._has_fused(data) else "packed"
        return "padded" if self.path == "parallel" and not data.is_cpu else self.path

    def _workload(self, packed: PackedSequence) -> Workload:
        data, batch_sizes = packed.data, packed.batch_sizes
        gates = 4 if self.mode == "LSTM" else 3 if self.mode == "GRU" else 1
        weights = gates * self.hidden_size * (self.input_size + (self.proj_size or self.hidden_size))
        return Workload(
            onednn=self._uses_onednn,
            equal=int(batch_sizes[0]) * len(batch_sizes) == len(data),
            training=torch.is_grad_enabled(),
            steps=len(batch_sizes),
            operations=2 * len(data) * weights,
            hidden=self.hidden_size,
            cpu=data.is_cpu,
            fused=not data.is_cpu and self._has_fused(data),
        )

    @property
    def _uses_onednn(self) -> bool:
        return self.mode == "LSTM" and not self.proj_size

    def _has_fused(self, data: Tensor) -> bool:
        """Whether kernels of our own can compute `data`, (N, I); on a CPU only as Triton interprets them, for tests."""
        dtype = autocast_dtype(data) or data.dtype
        if not self._uses_onednn or dtype not in FUSED_DTYPES or not triton_for(data.device.type):
            return False
        from .fused import slice_of_hidden  # imports Triton

        return slice_of_hidden(self.hidden_size, dtype, data.device) is not None

    def _run(self, input: Tensor | PackedSequence, hx: Any, hidden_only: bool) -> Any:
        """Return what `forward` does; if `hidden_only`, outputs and c may be missing."""
        if not isinstance(input, PackedSequence):
            return super().forward(input, hx)
        data = input.data
        if data.is_cpu:
            flush_denormals()
        bfloat16 = autocast_dtype(data) == torch.bfloat16
        if bfloat16 and data.is_cpu and self._uses_onednn and not autocast_has_bfloat16():
            with torch.autocast("cpu", enabled=False):
                return self._run(input._replace(data=data.float()), cast(hx, torch.float32), hidden_only)
        path = self.path_for(input)
        states = None if path == "packed" else self._initial_states(input, hx)
        if states is None:
            return super().forward(input, hx)
        if path == "fused":
            from .fused import run_fused

            return run_fused(self, input, states, autocast_dtype(data) or data.dtype)
        return self._run_padded(input, states, path == "parallel", hidden_only)

    def _initial_states(self, packed: PackedSequence, hx: Any) -> tuple[Tensor, ...] | None:
        """Return h, for an LSTM h and c, (L*D, B, H), sequences sorted; None if torch is to say what is wrong."""
        data, batch_sizes, sorted_indices, _ = packed  # (N, I)
        if hx is not None:
            hx = self.permute_hidden(hx, sorted_indices)
        else:
            hx = data.new_zeros(self.get_expected_hidden_size(data, batch_sizes))
            if isinstance(self, nn.LSTM):
                hx = hx, data.new_zeros(self.get_expected_cell_size(data, batch_sizes))
        try:
            self.check_forward_args(data, hx, batch_sizes)
        except (RuntimeError, ValueError):
            return None
        if autocast_dtype(data) is not None:
            hx = cast(hx, data.dtype)
        states = (hx,) if isinstance(hx, Tensor) else tuple(hx)
        return states if all((s.dtype, s.device) == (data.dtype, data.device) for s in states) else None

    def _run_padded(
        self, packed: PackedSequence, states: tuple[Tensor, ...], parallel: bool, hidden_only: bool
    ) -> tuple[PackedSequence, Any]:
        if self.proj_size:
            warnings.filterwarnings("ignore", message="LSTM with projections is not supported with oneDNN")
        data, batch_sizes, sorted_indices, unsorted_indices = packed  # (N, I)
        layers = partial(self._run_layers, batch_sizes, parallel, hidden_only)
        tensors = (data, *states, *chain(*self.all_weights))
        # One node for all layers, so that their backward pass has half of the threads as well. A large batch in
        # parallel has one for each block instead, which frees what it keeps.
        one_node = data.is_cpu and torch.get_num_threads() > 1 and (not parallel or len(data) <= BLOCK_CELLS)
        with half_of_threads() if data.is_cpu else nullcontext():
            results = run_calls([Call(layers, tensors)], parallel=False)[0] if one_node else layers(*tensors)
        values, *last = results  # (N, D*H), (L*D, B, H)
        if unsorted_indices is not None:
            last = [pick(state, unsorted_indices, 1) for state in last]  # (L*D, B, H) each
        output = PackedSequence(values, batch_sizes, sorted_indices, unsorted_indices)
        return output, tuple(last) if self.mode == "LSTM" else last[0]

    def _run_layers(
        self, batch_sizes: Tensor, parallel: bool, hidden_only: bool, data: Tensor, *tensors: Tensor
    ) -> tuple[Tensor, ...]:
        """Return the outputs, (N, D*H) unless `hidden_only`, and the last states (L*D, B, H) for `data` (N, I).

        The other tensors are the initial states (L*D, B, H), then the weights in the order of torch's module.
        """
        num_states = 2 if self.mode == "LSTM" else 1
        states, weights = tensors[:num_states], tensors[num_states:]
        each = len(self.all_weights[0])
        max_steps = max(BLOCK_STEPS, BLOCK_CELLS // int(batch_sizes[0]))
        grid = make_grid(batch_sizes, max_steps if torch.is_grad_enabled() else None).to(data.device)
        values = scatter(data, grid)  # (cells, I)
        need_c, directions = num_states == 2 and not hidden_only, 1 + self.bidirectional
        last: list[list[Tensor]] = []  # for each direction of each layer, (B, H)
        for layer in range(self.num_layers):
            if layer:
                values = nn.functional.dropout(values, self.dropout, self.training)  # (cells, D*H)
            need_outputs = layer + 1 < self.num_layers or not hidden_only
            recompute = self._recomputes(layer, batch_sizes, grid)
            config = Config(KERNELS[self.mode], self.bias, self.training, need_c, need_outputs, parallel, recompute)
            rows = range(layer * directions, (layer + 1) * directions)
            own_states = [[state[row] for state in states] for row in rows]  # (B, H)
            own_weights = [weights[row * each : (row + 1) * each] for row in rows]
            values, ends = run_layer(config, grid, values, own_states, own_weights)  # (cells, D*H), (B, H)
            last += ends
        stacked = [torch.stack(kind) for kind in zip(*last, strict=True)]  # (L*D, B, H) each
        return values if hidden_only else gather(values, grid), *stacked

    def _recomputes(self, layer: int, batch_sizes: Tensor, grid: Grid) -> bool:
        """Whether the backward pass of `layer` computes its blocks again, instead of keeping what it needs.

        A step of two layers takes about a tenth longer and a fifth less memory. With equal lengths it is kept: packed
        needs as much, and is fast itself.
        """
        several = grid.cells.is_cpu and len(grid.blocks) > 1
        return several and layer + 1 < self.num_layers and bool(batch_sizes[0] != batch_sizes[-1])


class LSTM(PackedRNN, nn.LSTM):
    """torch.nn.LSTM, fast for packed sequences; see `PackedRNN`."""


class GRU(PackedRNN, nn.GRU):
    """torch.nn.GRU, fast for packed sequences; see `PackedRNN`."""


class RNN(PackedRNN, nn.RNN):
    """torch.nn.RNN, fast for packed sequences; see `PackedRNN`."""


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


@cache
def triton_for(device: str) -> bool:
    """Whether Triton is installed and runs on a kind of device."""
    works = (device == "cuda" and torch.version.cuda is not None) or "TRITON_INTERPRET" in os.environ
    return works and find_spec("triton") is not None


def autocast_dtype(data: Tensor) -> torch.dtype | None:
    """Return the dtype of autocast on `data`'s device; None without autocast."""
    device = data.device.type
    if device == "meta" or not torch.is_autocast_enabled(device):
        return None
    return torch.get_autocast_dtype(device)


def cast(hx: Any, dtype: torch.dtype) -> Any:
    """Return initial states in another dtype."""
    if isinstance(hx, Tensor):
        return hx.to(dtype)
    return None if hx is None else tuple(state.to(dtype) for state in hx)
