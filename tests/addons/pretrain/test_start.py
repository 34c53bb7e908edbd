from functools import partial

import pytest
import torch

from project.addons.pretrain.start import start_from
from project.encoder import BiLSTMEncoder
from project.errors import UserError
from project.network import SentimentNetwork
from project.pretrained import read_pretrained
from tests.pretrained_file import write_pretrained

TOKENS = ["<pad>", "<unk>", "film", "warm"]


def network(**options) -> SentimentNetwork:
    torch.manual_seed(0)
    return SentimentNetwork(len(TOKENS), 2, embedding_dim=3, encoder=partial(BiLSTMEncoder, hidden_size=4), **options)


@pytest.fixture
def saved(tmp_path):
    """A file with the bias of a classifier, and vectors of "warm" and "cold"."""
    path = tmp_path / "start.pt"
    weights = {"classifier.bias": torch.tensor([1.0, 2.0]), "other.weight": torch.ones(5)}
    write_pretrained(path, ["warm", "cold"], torch.tensor([[7.0, 8.0, 9.0], [0.0, 0.0, 0.0]]), [3, 1], weights)
    return read_pretrained(path)


def test_weights_are_taken_by_name(saved):
    module = network()
    start_from(saved, module, TOKENS)
    assert module.classifier.bias.tolist() == [1.0, 2.0]


def test_vectors_are_taken_by_word_and_others_stay(saved):
    module, before = network(), network().embedding.trained.weight[2].tolist()
    start_from(saved, module, TOKENS)
    assert module.embedding.trained.weight[3].tolist() == [7.0, 8.0, 9.0]
    assert module.embedding.trained.weight[2].tolist() == before


def test_a_frozen_word_gets_its_vector_too(saved):
    module = network(num_frozen=1)
    start_from(saved, module, TOKENS)
    assert module.embedding.frozen.tolist() == [[7.0, 8.0, 9.0]]


def test_what_was_taken_is_told(saved):
    assert start_from(saved, network(), TOKENS) == "1 of 2 weights, vectors of 1 of 4 tokens"


def test_another_shape_is_told(saved):
    wider = SentimentNetwork(len(TOKENS), 3, embedding_dim=3, encoder=partial(BiLSTMEncoder, hidden_size=4))
    with pytest.raises(UserError, match=r"has classifier\.bias as \(2,\), the network \(3,\): use the --model options"):
        start_from(saved, wider, TOKENS)


def test_weights_of_another_network_are_told(tmp_path):
    write_pretrained(tmp_path / "a.pt", ["warm"], torch.zeros(1, 3), [], {"trees": torch.ones(1)})
    with pytest.raises(UserError, match=r"a\.pt has no weight of this network, only trees"):
        start_from(read_pretrained(tmp_path / "a.pt"), network(), TOKENS)


def test_vectors_of_another_width_are_told(tmp_path):
    write_pretrained(tmp_path / "a.pt", ["warm"], torch.zeros(1, 5), [])
    with pytest.raises(UserError, match=r"set --model\.embedding_dim=5"):
        start_from(read_pretrained(tmp_path / "a.pt"), network(), TOKENS)
