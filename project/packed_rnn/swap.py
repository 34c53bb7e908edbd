"""A model's LSTM, GRU and RNN modules -> the fast ones."""

from torch import nn

from .modules import GRU, LSTM, RNN

SWAPS: dict[type[nn.Module], type[nn.Module]] = {nn.LSTM: LSTM, nn.GRU: GRU, nn.RNN: RNN}


def accelerate(model: nn.Module) -> list[str]:
    """Turn every torch.nn.LSTM, GRU and RNN in `model` into the fast module of the same name.

    Each one stays the same object and changes its class, so its parameters, hooks, training flag, device, dtype and
    all references to it stay as they are. Subclasses of torch's modules are left alone.

    Returns:
        The names of what was changed, as `model.named_modules()` gives them: "" is `model` itself.
    """
    found = [(name, module) for name, module in model.named_modules() if type(module) in SWAPS]
    for _, module in found:
        module.__class__ = SWAPS[type(module)]
    return [name for name, _ in found]
