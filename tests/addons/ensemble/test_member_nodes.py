"""The ONNX graph of an ensemble computes the same logits as the ensemble."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from project.addons.ensemble.members import Ensemble
from project.decision import Labels
from project.encoder import BiLSTMEncoder, encoder_state
from project.errors import UserError
from project.network import network_state

graph = pytest.importorskip("project.export.graph")
test_graph = pytest.importorskip("tests.export.test_graph")


def ensemble_of(*members: dict[str, Any], labels: Labels = "one") -> Ensemble:
    torch.manual_seed(0)
    sizes = {"vocab_size": test_graph.V, "num_classes": 3, "embedding_dim": 5}
    encoders = [encoder_state(partial(BiLSTMEncoder, **{"hidden_size": 4, **options})) for options in members]
    states = [network_state("SentimentNetwork", sizes | {"encoder": encoder}) for encoder in encoders]
    return Ensemble(states, [1.0 + number for number in range(len(members))], labels).eval()


def test_members_with_different_networks_and_temperatures():
    network = ensemble_of({}, {"cell": "gru", "num_layers": 2}, {"pooling": "attention", "hidden_size": 6})
    texts = test_graph.TEXTS
    ours = test_graph.onnx_logits(test_graph.session_of(network), texts)
    np.testing.assert_allclose(ours, test_graph.torch_logits(network, texts), atol=1e-6)


@pytest.mark.parametrize("size", [1.0, 40.0])
def test_members_of_any_number_of_labels(size):
    network = ensemble_of({}, {"cell": "gru"}, labels="any")
    with torch.no_grad():
        for member in network.members:
            member.get_parameter("classifier.weight").mul_(size)
    ours = test_graph.onnx_logits(test_graph.session_of(network), test_graph.TEXTS)
    np.testing.assert_allclose(ours, test_graph.torch_logits(network, test_graph.TEXTS), atol=1e-5)


def test_weight_names_start_with_the_member():
    names = {weight.name for weight in graph.build_graph(ensemble_of({}, {})).graph.initializer}
    assert {"members.0.embedding", "members.1.embedding"} <= names


def test_a_member_with_a_projection_is_refused():
    with pytest.raises(UserError, match="proj_size cannot be exported"):
        graph.build_graph(ensemble_of({}, {"proj_size": 2}))


@pytest.mark.parametrize("words", [[], ["--int8"]])
def test_export_passes_the_parity_check(averaged, sentiment, words):
    assert sentiment("export", "--ckpt_path", averaged, "--output", "bundle", *words) == 0
    parity = json.loads(Path("bundle/bundle.json").read_text())["parity"]
    assert parity["texts"] == 10
    assert parity["largest_difference"] < (0.1 if words else 1e-5)
