"""The ONNX graph of a network with a bag of words computes the same logits as the network."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from project.addons.wide.ngrams import WideNetwork

test_graph = pytest.importorskip("tests.export.test_graph")
V = test_graph.V


@pytest.fixture(scope="module")
def network() -> WideNetwork:
    torch.manual_seed(0)
    network = WideNetwork(97, vocab_size=V, num_classes=3, embedding_dim=5).eval()
    torch.nn.init.normal_(network.wide.weight)
    return network


@pytest.fixture(scope="module")
def session(network):
    return test_graph.session_of(network)


TEXTS = st.lists(st.lists(st.integers(1, V - 1), min_size=1, max_size=20), min_size=1, max_size=5)


@given(TEXTS, st.integers(0, 30))
@settings(max_examples=25)
def test_any_lengths_batch_size_and_padding(network, session, texts, width):
    ours = test_graph.onnx_logits(session, texts, width, 5)
    np.testing.assert_allclose(ours, test_graph.torch_logits(network, texts), atol=1e-5)
