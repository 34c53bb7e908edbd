import math
from functools import partial
from typing import Any

import pytest
import torch

from project.addons.ensemble.members import Ensemble
from project.batch import pack
from project.encoder import BiLSTMEncoder, encoder_state
from project.network import NetworkState, build_network, network_state

ARGUMENTS: dict[str, Any] = {"vocab_size": 12, "num_classes": 3, "embedding_dim": 4}
LSTM = encoder_state(partial(BiLSTMEncoder, hidden_size=4))
GRU = encoder_state(partial(BiLSTMEncoder, hidden_size=6, cell="gru", pooling="mean"))
SMALL, OTHER = (network_state("SentimentNetwork", ARGUMENTS | {"encoder": encoder}) for encoder in (LSTM, GRU))
TEXTS = pack([torch.tensor([3, 4, 5]), torch.tensor([6])])


def ensemble(*members: NetworkState, temperatures: tuple[float, ...]) -> Ensemble:
    torch.manual_seed(0)
    return Ensemble(members, temperatures).eval()


def with_logits(network: Ensemble, *logits: list[float]) -> Ensemble:
    """Make each member return fixed logits (C,) for every text."""
    for member, values in zip(network.members, logits, strict=True):
        with torch.no_grad():
            member.get_parameter("classifier.weight").zero_()
            member.get_parameter("classifier.bias").copy_(torch.tensor(values))
    return network


def test_probabilities_are_the_mean_of_the_members():
    network = ensemble(SMALL, SMALL, temperatures=(1.0, 1.0))
    with_logits(network, [math.log(0.7), math.log(0.2), math.log(0.1)], [math.log(0.1), math.log(0.2), math.log(0.7)])
    assert network(TEXTS).softmax(1)[0].tolist() == pytest.approx([0.4, 0.2, 0.4])


def test_logits_are_log_probabilities():
    logits = ensemble(SMALL, OTHER, temperatures=(1.0, 1.0))(TEXTS)
    assert logits.exp().sum(1).tolist() == pytest.approx([1.0, 1.0])


def test_members_may_differ_in_everything_but_vocabulary_and_classes():
    network = ensemble(SMALL, OTHER, temperatures=(1.0, 1.0))
    first, second = (member(TEXTS).softmax(1) for member in network.members)
    torch.testing.assert_close(network(TEXTS).softmax(1), (first + second) / 2)


def test_identical_members_have_the_logits_of_one_up_to_a_constant():
    network = ensemble(SMALL, SMALL, SMALL, temperatures=(1.0, 1.0, 1.0))
    for member in network.members:
        member.load_state_dict(network.members[0].state_dict())
    difference = network(TEXTS) - network.members[0](TEXTS)  # (B, C)
    torch.testing.assert_close(difference, difference[:, :1].expand(-1, 3))


def test_logits_are_divided_by_each_members_own_temperature():
    network = with_logits(ensemble(SMALL, SMALL, temperatures=(2.0, 1.0)), [math.log(16.0), 0.0, 0.0], [0.0, 0.0, 0.0])
    assert network(TEXTS).softmax(1)[0].tolist() == pytest.approx([1 / 2, 1 / 4, 1 / 4])  # of 2/3 and 1/3


def test_large_logits_do_not_overflow():
    network = with_logits(ensemble(SMALL, SMALL, temperatures=(1.0, 1.0)), [1e4, 0.0, 0.0], [0.0, 1e4, 0.0])
    assert network(TEXTS)[0].tolist() == pytest.approx([-math.log(2), -math.log(2), -1e4])


def test_a_checkpoint_describes_an_ensemble_by_its_members():
    state = network_state("Ensemble", {"members": [SMALL, OTHER], "temperatures": [1.0, 1.0]})
    assert state["module"] == "project.addons.ensemble.members"
    assert isinstance(build_network(state), Ensemble)


def of_any(*members: NetworkState, temperatures: tuple[float, ...]) -> Ensemble:
    torch.manual_seed(0)
    return Ensemble(members, temperatures, "any").eval()


def test_probabilities_of_any_number_of_labels_are_the_mean_of_the_members():
    network = with_logits(of_any(SMALL, SMALL, temperatures=(1.0, 2.0)), [math.log(9.0), 0.0, -99.0], [0.0, 0.0, 4.0])
    sigmoid_of_2 = 1 / (1 + math.exp(-2.0))
    assert network(TEXTS).sigmoid()[0].tolist() == pytest.approx([(0.9 + 0.5) / 2, 0.5, sigmoid_of_2 / 2])


def test_identical_members_of_any_number_of_labels_have_the_logits_of_one():
    logits = [30.0, -30.0, 0.25]
    network = with_logits(of_any(SMALL, SMALL, SMALL, temperatures=(1.0,) * 3), *[logits] * 3)
    assert network(TEXTS)[1].tolist() == pytest.approx(logits)


def test_large_logits_of_any_number_of_labels_do_not_overflow():
    network = with_logits(of_any(SMALL, SMALL, temperatures=(1.0, 1.0)), [1e4, 1e4, -1e4], [1e4, -1e4, -1e4])
    assert network(TEXTS)[0].tolist() == pytest.approx([1e4, 0.0, -1e4])
