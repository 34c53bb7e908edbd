"""The main job on the real corpus, as its user runs it."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from project import load
from project.checkpoint import KEY, read_checkpoint
from project.corpora import load_corpus
from project.export.command import write_bundle
from project.export.graph import build_graph
from project.export.parity import compare
from project.network import SentimentNetwork
from project.predict import Prediction
from project.text import Tokenizer
from project.trained import predictor_of
from tests.export.test_graph import VARIANTS
from tests.serve.conftest import Running

pytestmark = pytest.mark.slow


def sentiment(*words: str, folder: Path) -> str:
    command = [sys.executable, "-m", "project", *words, "--trainer.enable_progress_bar=false"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path: Path = tmp_path_factory.mktemp("main_job")
    sentiment("fit", folder=path)
    return path


def results(folder: Path, version: int) -> dict[str, Any]:
    return json.loads((folder / f"runs/version_{version}/results.json").read_text())


def test_accuracy_on_movies(folder):
    assert results(folder, 0)["metrics"]["test/accuracy"] >= 0.74


def test_test_repeats_the_figures_in_a_new_process(folder):
    sentiment("test", "--ckpt_path=runs/version_0/checkpoints/best.ckpt", folder=folder)
    assert results(folder, 1)["metrics"] == pytest.approx(results(folder, 0)["metrics"], abs=1e-6)


@pytest.mark.parametrize(("corpus", "texts"), [("products", 357), ("tweets", 420)])
def test_movies_checkpoint_on_other_corpora(folder, corpus, texts):
    sentiment("test", "--ckpt_path=runs/version_0/checkpoints/best.ckpt", f"--data.corpus={corpus}", folder=folder)
    latest = max(folder.glob("runs/version_*"), key=lambda path: int(path.name.split("_")[1]))
    found = json.loads((latest / "results.json").read_text())
    assert found["corpus"] == corpus
    assert sum(map(sum, found["confusion_matrix"]["counts"])) == texts
    assert found["metrics"]["test/auroc"] > 0.6  # well above chance, far below its own corpus


def real_texts() -> list[str]:
    """1,000 texts of four corpora, and of several of them joined, from 1 to more than 1,000 tokens."""
    texts = [e.text for name in ("movies", "products", "tweets", "editorials") for e in load_corpus(name).split("test")]
    chosen = random.Random(0).sample(texts, 990)
    return [*chosen, "ok", *(" ".join(texts[: 2**power]) for power in range(9))]


def test_checkpoint_bundle_command_line_and_server_answer_alike(folder, tmp_path):
    checkpoint, texts = folder / "runs/version_0/checkpoints/best.ckpt", real_texts()
    expected = load(checkpoint)(texts)
    command = [sys.executable, "-m", "project"]
    subprocess.run([*command, "export", "--ckpt_path", checkpoint], cwd=tmp_path, check=True)
    (tmp_path / "texts.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    words = ("--model", "bundle", "--input", "texts.jsonl", "--output", "out.jsonl")
    subprocess.run([*command, "classify", *words], cwd=tmp_path, check=True)
    for batch_size in (1, 7, 64):
        assert compare(expected, load(tmp_path / "bundle")(texts, batch_size)).holds
        assert compare(expected, load(checkpoint)(texts[::-1], batch_size)[::-1]).holds
    for row, prediction in zip((tmp_path / "out.jsonl").read_text().splitlines(), expected, strict=True):
        assert json.loads(row)["predicted"] == prediction.label
        assert json.loads(row)["p_positive"] == pytest.approx(prediction.probabilities["positive"], abs=1e-5)
    server = Running(tmp_path / "bundle", tmp_path / "log")
    answers: list[Prediction] = []
    for start in range(0, len(texts), 100):
        answer = server.ask("POST", "/predict", {"texts": texts[start : start + 100]})
        answers += [Prediction(**prediction) for prediction in answer.json["predictions"]]
    assert server.stop() == 0
    assert compare(expected, answers).holds


@pytest.mark.parametrize("options", VARIANTS[::3], ids=lambda options: "-".join(map(str, options.values())))
def test_variants_answer_alike_on_real_texts(folder, tmp_path, options):
    """Random weights: what is compared is the computation, on real lengths and batches."""
    state = read_checkpoint(folder / "runs/version_0/checkpoints/best.ckpt")[KEY]
    state["network"] |= {"embedding_dim": 16, "hidden_size": 32} | options | {"num_frozen": 0}
    torch.manual_seed(0)
    network, tokenizer = SentimentNetwork(**state["network"]).eval(), Tokenizer.from_state(state["tokenizer"])
    checkpoint, texts = predictor_of(network, tokenizer, state), real_texts()
    write_bundle(tmp_path / "bundle", build_graph(network), state, "float32")
    assert compare(checkpoint(texts), load(tmp_path / "bundle")(texts)).holds
