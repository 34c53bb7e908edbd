"""The server on real texts."""

import subprocess
import sys

import pytest

from project import Prediction, load
from project.export.parity import compare
from tests.export.test_real_texts import real_texts
from tests.serve.conftest import Running


@pytest.mark.slow
def test_server_and_checkpoint_agree(movies_run, tmp_path):
    checkpoint, texts = movies_run / "checkpoints" / "best.ckpt", real_texts()
    subprocess.run([sys.executable, "-m", "project", "export", "--ckpt_path", checkpoint], cwd=tmp_path, check=True)
    server = Running(tmp_path / "bundle", tmp_path / "log")
    answers: list[Prediction] = []
    for start in range(0, len(texts), 100):
        answer = server.ask("POST", "/predict", {"texts": texts[start : start + 100]})
        answers += [Prediction(**prediction) for prediction in answer.json["predictions"]]
    assert server.stop() == 0
    assert compare(load(checkpoint)(texts), answers).holds
