"""Members with random weights, of different sizes, and the ensemble of them."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from project.checkpoint import KEY, read_checkpoint
from project.network import build_network
from tests.conftest import run_sentiment


def write_member(
    path: Path, like: Path, seed: int, changes: dict[str, Any] | None = None, num_frozen: int = 0, **encoder: Any
) -> Path:
    """Write a checkpoint with random weights, confident predictions and the tokenizer and labels of another."""
    checkpoint = read_checkpoint(like)
    state = checkpoint[KEY]
    arguments = state["network"]["arguments"]
    arguments["num_frozen"] = num_frozen
    arguments["encoder"]["init_args"] |= encoder
    torch.manual_seed(seed)
    network = build_network(state["network"])
    torch.nn.init.normal_(network.classifier.weight, std=20.0)
    others = {name: w for name, w in checkpoint["state_dict"].items() if not name.startswith("network.")}
    checkpoint["state_dict"] = others | {f"network.{name}": w for name, w in network.state_dict().items()}
    torch.save(checkpoint | {KEY: state | (changes or {})}, path)
    return path


@pytest.fixture(scope="session")
def ensemble_once(fitted_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the members and of their ensemble; to be read only."""
    folder = tmp_path_factory.mktemp("ensemble")
    like = fitted_once / "runs" / "version_0" / "checkpoints" / "best.ckpt"
    members = [
        write_member(folder / "a.ckpt", like, 1),
        write_member(folder / "b.ckpt", like, 2, hidden_size=6, pooling="mean"),
        write_member(folder / "c.ckpt", like, 3, cell="gru", num_frozen=2),
    ]
    assert run_sentiment("ensemble", "--output", folder / "x.ckpt", *members) == 0
    return folder


@pytest.fixture
def members(ensemble_once: Path, fitted: Path) -> list[Path]:
    """The members, in the empty folder of `sentiment`."""
    return [Path(shutil.copy(ensemble_once / name, name)) for name in ("a.ckpt", "b.ckpt", "c.ckpt")]


@pytest.fixture
def averaged(ensemble_once: Path, fitted: Path) -> Path:
    """Their ensemble, likewise."""
    return Path(shutil.copy(ensemble_once / "x.ckpt", "x.ckpt"))
