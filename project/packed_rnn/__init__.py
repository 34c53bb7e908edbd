"""torch.nn.LSTM, GRU and RNN for packed sequences: the same results, many times faster."""

from .modules import GRU, LSTM, RNN, autocast_has_bfloat16
from .paths import Path
from .swap import accelerate

__all__ = ["GRU", "LSTM", "RNN", "Path", "accelerate", "autocast_has_bfloat16"]
