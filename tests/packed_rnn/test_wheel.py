"""The wheel, alone in an environment with torch: its tests pass, and users of nn.LSTM change one import."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "project" / "packed_rnn"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SOURCE.is_dir(), reason="the wheel's source is not here"),
]

USERS = """
import json

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

IMPORT

torch.manual_seed(0)
padded, lengths = torch.randn(3, 9, 5), torch.tensor([4, 9, 1])
packed = pack_padded_sequence(padded, lengths, batch_first=True, enforce_sorted=False)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = LSTM(5, 4, 2, bidirectional=True)
        self.linear = nn.Linear(8, 2)

    def forward(self, packed):
        _, (h_n, _) = self.lstm(packed)
        return self.linear(torch.cat([h_n[-2], h_n[-1]], dim=1))


class Translator(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = LSTM(5, 4, batch_first=True), LSTM(5, 4, batch_first=True)

    def forward(self, packed, target):
        _, state = self.encoder(packed)
        return self.decoder(target, state)[0]


models = [(Classifier(), (packed,)), (Translator(), (packed, padded)), (LSTM(5, 4, batch_first=True), (padded,))]
results = []
for model, inputs in models:
    ACCELERATE
    output = model(*inputs)
    output = output if isinstance(output, torch.Tensor) else output[0]
    output.square().sum().backward()
    results += [output.flatten().tolist(), *(p.grad.flatten().tolist() for p in model.parameters())]
print(json.dumps(results))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> str:
    """The Python of a new environment with the wheel, torch and pytest, without the repository around the source."""
    folder = tmp_path_factory.mktemp("wheel")
    source = shutil.copytree(SOURCE, folder / "source")  # the build writes into its source
    subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, source], check=True)
    (wheel,) = folder.glob("packed_rnn-*.whl")
    subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True)
    executable = folder / "env" / "bin" / "python"
    subprocess.run([executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel], check=True)
    (own,) = (folder / "env").glob("lib/python*/site-packages")
    (own / "torch.pth").write_text(sysconfig.get_path("purelib"))  # after its own packages
    return str(executable)


def printed(python: str, *words: str | Path, **environment: str) -> str:
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [python, *words], cwd=Path(python).parent, env=clean | environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_the_project_is_not_needed(python):
    code = "import importlib.util as u, packed_rnn; print(u.find_spec('project'), 'env' in packed_rnn.__file__)"
    assert printed(python, "-c", code) == "None True\n"


def test_its_own_tests_pass(python, tmp_path):
    tests = shutil.copytree(
        Path(__file__).parent, tmp_path / "tests", ignore=shutil.ignore_patterns(Path(__file__).name)
    )
    words = ("-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", tmp_path, tests)
    assert " passed" in printed(python, "-m", "pytest", *words, PACKED_RNN_PACKAGE="packed_rnn")


def results(python: str, line: str, accelerate: str = "pass") -> list[list[float]]:
    found: list[list[float]] = json.loads(
        printed(python, "-c", USERS.replace("IMPORT", line).replace("ACCELERATE", accelerate))
    )
    return found


@pytest.mark.parametrize(
    ("line", "accelerate"),
    [
        ("from packed_rnn import LSTM", "pass"),
        ("from torch.nn import LSTM\nfrom packed_rnn import accelerate", "accelerate(model)"),
    ],
    ids=["import", "accelerate"],
)
def test_users_of_torchs_lstm_get_the_same_results(python, line, accelerate):
    for ours, theirs in zip(
        results(python, line, accelerate), results(python, "from torch.nn import LSTM"), strict=True
    ):
        assert ours == pytest.approx(theirs, abs=1e-6)
