"""Members with random weights, of different sizes, and the ensemble of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from project.checkpoint import KEY, read_checkpoint
from project.network import build_network


def write_member(path: Path, like: Path, seed: int, changes: dict[str, Any] | None = None, **options: Any) -> Path:
    """Write a checkpoint with random weights, confident predictions and the tokenizer and labels of another."""
    checkpoint = read_checkpoint(like)
    state = checkpoint[KEY]
    state["network"]["arguments"] |= options
    torch.manual_seed(seed)
    network = build_network(state["network"])
    torch.nn.init.normal_(network.classifier.weight, std=20.0)
    others = {name: w for name, w in checkpoint["state_dict"].items() if not name.startswith("network.")}
    checkpoint["state_dict"] = others | {f"network.{name}": w for name, w in network.state_dict().items()}
    torch.save(checkpoint | {KEY: state | (changes or {})}, path)
    return path


@pytest.fixture
def members(fitted: Path) -> list[Path]:
    like = fitted / "checkpoints" / "best.ckpt"
    return [
        write_member(Path("a.ckpt"), like, 1),
        write_member(Path("b.ckpt"), like, 2, hidden_size=6, pooling="mean"),
        write_member(Path("c.ckpt"), like, 3, cell="gru", num_frozen=2),
    ]


@pytest.fixture
def averaged(members: list[Path], sentiment: Callable[..., int]) -> Path:
    assert sentiment("ensemble", "--output", "x.ckpt", *members) == 0
    return Path("x.ckpt")
