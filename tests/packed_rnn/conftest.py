"""The package under test: `project.packed_rnn`, or what PACKED_RNN_PACKAGE names."""

import os
import subprocess
import sys
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


BACKWARD = """
import sys, torch
from torch.nn.utils.rnn import pack_sequence
from PACKAGE import LSTM
from PACKAGE.parallel import Call, run_calls

x = torch.ones(2, requires_grad=True)
calls = Call(lambda x: (x * x,), (x,)), Call(lambda x: (x + x,), (x,))
first, second = run_calls(calls, parallel=True)
(first[0] + second[0]).sum().backward()
print(x.grad.tolist(), "sympy" in sys.modules)

lstm = LSTM(1, 4, 2, bidirectional=True)
lstm.path = "parallel"
lstm.last_hidden(pack_sequence([torch.ones(130, 1), torch.ones(70, 1)])).sum().backward()
print(lstm.weight_hh_l0.grad is None, {"sympy", "torch._dynamo"} & set(sys.modules))
"""


@pytest.fixture(scope="session")
def new_process(package: str) -> list[str]:
    """Two lines of a process: after a backward pass of parallel calls, then after one that computes layers again."""
    code = BACKWARD.replace("PACKAGE", package)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


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
