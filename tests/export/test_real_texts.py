"""Bundles and checkpoints on real texts, of 1 to more than 1,000 tokens."""

import json
import random
import subprocess
import sys
from functools import partial

import pytest
import torch

from project import load
from project.checkpoint import KEY, read_checkpoint
from project.corpora import load_corpus
from project.decision import Decision
from project.encoder import BiLSTMEncoder, encoder_state
from project.export.command import write_bundle
from project.export.graph import build_graph
from project.export.parity import compare
from project.network import build_network
from project.predict import predictor_of
from project.registry import registered
from project.text import Tokenizer
from tests.export.test_graph import VARIANTS

pytestmark = pytest.mark.slow


def real_texts() -> list[str]:
    """1,000 texts of four corpora, and of several of them joined, from 1 to more than 1,000 tokens."""
    texts = [e.text for name in ("movies", "products", "tweets", "editorials") for e in load_corpus(name).split("test")]
    chosen = random.Random(0).sample(texts, 990)
    return [*chosen, "ok", *(" ".join(texts[: 2**power]) for power in range(9))]


def test_checkpoint_bundle_and_command_line_agree(movies_run, tmp_path):
    checkpoint, texts = movies_run / "checkpoints" / "best.ckpt", real_texts()
    expected = load(checkpoint)(texts)
    command = [sys.executable, "-m", "project"]
    subprocess.run([*command, "export", "--ckpt_path", checkpoint], cwd=tmp_path, check=True)
    for batch_size in (1, 7, 64):
        assert compare(expected, load(tmp_path / "bundle")(texts, batch_size)).holds
        assert compare(expected, load(checkpoint)(texts[::-1], batch_size)[::-1]).holds
    if "classify" not in registered("COMMANDS"):
        return
    (tmp_path / "texts.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    words = ("--ckpt_path", "bundle", "--input", "texts.jsonl", "--output", "out.jsonl")
    subprocess.run([*command, "classify", *words], cwd=tmp_path, check=True)
    for row, prediction in zip((tmp_path / "out.jsonl").read_text().splitlines(), expected, strict=True):
        assert json.loads(row)["predicted"] == prediction.label
        assert json.loads(row)["p_positive"] == pytest.approx(prediction.probabilities["positive"], abs=1e-5)


@pytest.mark.parametrize("options", VARIANTS[::3], ids=lambda options: "-".join(map(str, options.values())))
def test_bundles_of_all_variants_agree_with_their_networks(movies_run, tmp_path, options):
    """Compares computations only, with random weights, on real lengths and batches."""
    state = read_checkpoint(movies_run / "checkpoints" / "best.ckpt")[KEY]
    own = {name: value for name, value in options.items() if name not in ("encoder", "num_frozen")}
    encoder = encoder_state(partial(options.get("encoder", partial(BiLSTMEncoder, hidden_size=32)), **own))
    state["network"]["arguments"] |= {"embedding_dim": 16, "encoder": encoder, "num_frozen": 0}
    torch.manual_seed(0)
    network = build_network(state["network"]).eval()
    decision = Decision(tuple(state["label_names"]), **state["decision"])
    checkpoint, texts = predictor_of(network, Tokenizer.from_state(state["tokenizer"]), decision), real_texts()
    write_bundle(tmp_path / "bundle", build_graph(network), state, "float32")
    assert compare(checkpoint(texts), load(tmp_path / "bundle")(texts)).holds
