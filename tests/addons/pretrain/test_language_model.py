import math
from functools import partial

import pytest
import torch
from torch.nn.utils.rnn import PackedSequence

from project.addons.pretrain.language_model import LanguageModel
from project.batch import pack
from project.encoder import BiLSTMEncoder
from project.network import SentimentNetwork

V = 7


def language_model(samples: int = 5, **options) -> LanguageModel:
    torch.manual_seed(0)
    network = SentimentNetwork(V, 2, embedding_dim=4, encoder=partial(BiLSTMEncoder, hidden_size=3, **options))
    model = LanguageModel(network, torch.arange(V), samples, learning_rate=1e-2, warmup=0.1).eval()
    for head in model.heads:
        torch.nn.init.zeros_(head.get_parameter("bias"))
    return model


def two_texts() -> PackedSequence:
    return pack([torch.tensor([2, 3, 4, 5]), torch.tensor([6, 2])])


@pytest.mark.parametrize("options", [{}, {"cell": "gru"}, {"proj_size": 2}])
def test_each_direction_predicts_the_token_that_it_reads_next(options):
    (_, right), (_, left) = language_model(**options).states(two_texts())
    assert right.tolist() == [3, 2, 4, 5]
    assert left.tolist() == [2, 6, 3, 4]


def test_a_single_direction_predicts_the_token_to_the_right():
    ((states, right),) = language_model(bidirectional=False).states(two_texts())
    assert states.shape == (4, 3)
    assert right.tolist() == [3, 2, 4, 5]


@pytest.mark.parametrize("direction", [0, 1])
def test_no_state_has_seen_the_token_it_predicts(direction):
    model = language_model()
    before = model.states(pack([torch.tensor([2, 3, 4, 5])]))[direction][0]
    changed = [[2, 3, 4, 6], [6, 3, 4, 5]][direction]  # what the direction's last state has to predict
    after = model.states(pack([torch.tensor(changed)]))[direction][0]
    last = [2, 0][direction]
    assert torch.equal(before[last], after[last])


@pytest.mark.parametrize(("others", "alternatives"), [([2, 3], 3), ([4, 3], 2), ([3, 3], 3)])
def test_with_equal_scores_the_loss_is_the_log_of_the_number_of_candidates(others, alternatives):
    model = language_model(samples=2)
    model.chance.fill_(1 / V)
    loss = model.sampled(model.heads[0], torch.zeros(1, 3), torch.tensor([4]), torch.tensor(others))
    assert loss.item() == pytest.approx(math.log(alternatives))


def test_a_rarely_drawn_token_weighs_more():
    model = language_model(samples=1)
    model.chance.copy_(torch.tensor([0, 0, 0, 0.25, 0.5, 0, 0.25]))
    loss = model.sampled(model.heads[0], torch.zeros(1, 3), torch.tensor([4]), torch.tensor([3]))
    assert loss.item() == pytest.approx(math.log(3))  # 1 / 0.5 against 1 / 0.25


def test_with_equal_scores_the_full_loss_is_that_of_a_random_guess():
    model = language_model()
    guess = torch.zeros(3, 4)
    assert model.whole_loss(guess, torch.tensor([2, 3, 4])).tolist() == pytest.approx([math.log(V)] * 3)
