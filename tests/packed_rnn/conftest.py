"""The package under test: `project.packed_rnn`, or what PACKED_RNN_PACKAGE names."""

import os
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest
import torch
from hypothesis import settings

settings.register_profile("unhurried", deadline=None)  # how long an example takes says nothing on a busy machine
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def package() -> str:
    return os.environ.get("PACKED_RNN_PACKAGE", "project.packed_rnn")


@pytest.fixture(scope="session")
def library(package: str) -> Any:
    return import_module(package)


@pytest.fixture(scope="session")
def module(package: str) -> Callable[[str], Any]:
    """Import a module of the package by its name."""
    return lambda name: import_module(f"{package}.{name}")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # tiny tensors: a second thread only waits
    yield
    torch.set_num_threads(before)


@pytest.fixture
def threads_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str], list[int]]:
    """Watch a function of a module or class: torch's number of threads at each of its calls."""

    def watch(owner: Any, name: str) -> list[int]:
        seen: list[int] = []
        function = getattr(owner, name)

        def spy(*arguments: Any) -> Any:
            seen.append(torch.get_num_threads())
            return function(*arguments)

        monkeypatch.setattr(owner, name, spy)
        return seen

    return watch


@pytest.fixture(scope="module")
def short_blocks(module: Callable[[str], Any]) -> Iterator[None]:
    """Let sequences of a few tokens fill several blocks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module("modules"), "BLOCK_STEPS", 4)
        patch.setattr(module("modules"), "BLOCK_CELLS", 1)
        yield
