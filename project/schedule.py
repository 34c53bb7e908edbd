"""A learning rate that rises, then falls, both linearly, at every optimizer step."""

from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


def linear_schedule(optimizer: Optimizer, steps: float, warmup: float) -> OptimizerLRSchedulerConfig:
    """Return what Lightning's `configure_optimizers` returns.

    Args:
        optimizer: Its learning rates are the peaks.
        steps: The optimizer steps of the whole training.
        warmup: Share of them in which the rates rise from near 0; they then fall to 0.
    """
    last = max(int(steps), 1)
    rising = max(round(warmup * last), 1)

    def share_of_peak(step: int) -> float:
        return float(min((step + 1) / rising, max(last - step, 0) / max(last - rising, 1)))

    return {
        "optimizer": optimizer,
        "lr_scheduler": {"scheduler": LambdaLR(optimizer, share_of_peak), "interval": "step"},
    }
