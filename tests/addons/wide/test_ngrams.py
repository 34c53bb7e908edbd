import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from project.addons.wide.ngrams import LEFT, RIGHT, WORD, NGramBag
from project.batch import pack
from project.network import SentimentNetwork

M, V = 97, 12
TEXTS = st.lists(st.lists(st.integers(1, V - 1), min_size=1, max_size=12), min_size=1, max_size=6)


def packed(texts: list[list[int]]):
    return pack([torch.tensor(ids) for ids in texts])


def filled(buckets: int = M, classes: int = 3) -> NGramBag:
    torch.manual_seed(0)
    bag = NGramBag(buckets, classes).eval()
    torch.nn.init.normal_(bag.weight)
    return bag


def buckets_of(ids: list[int]) -> set[int]:
    words = {i * WORD % M for i in ids}
    return words | {(left * LEFT + right * RIGHT + 1) % M for left, right in itertools.pairwise(ids)}


@given(TEXTS)
def test_logits_sum_what_a_text_holds_over_the_root_of_its_number(texts):
    bag = filled()
    expected = [bag.weight[sorted(found)].sum(0) / math.sqrt(len(found)) for found in map(buckets_of, texts)]
    torch.testing.assert_close(bag(packed(texts)), torch.stack(expected), atol=1e-5, rtol=1e-5)


@given(TEXTS, st.lists(st.integers(1, V - 1), min_size=1, max_size=20))
def test_batch_mates_change_nothing(texts, mate):
    bag = filled()
    torch.testing.assert_close(bag(packed([*texts, mate]))[:-1], bag(packed(texts)), atol=1e-5, rtol=1e-5)


def test_the_order_of_neighbours_counts():
    bag = filled(buckets=2**16)
    assert not torch.allclose(bag(packed([[2, 3]])), bag(packed([[3, 2]])))


def test_a_word_that_comes_again_counts_once():
    bag = filled(buckets=2**16)
    torch.testing.assert_close(bag(packed([[2, 2, 2]])), bag(packed([[2, 2]])))


def test_training_leaves_out_its_share_and_scales_the_rest():
    torch.manual_seed(0)
    bag = NGramBag(2**16, 2, dropout=0.5).train()
    torch.nn.init.ones_(bag.weight)
    held = torch.arange(1, 5001)  # 9,999 words and pairs, a few of which meet in a bucket
    logits = bag(pack([held]))
    assert logits[0, 0].item() == pytest.approx(bag.eval()(pack([held]))[0, 0].item(), rel=0.05)
    assert not torch.equal(logits, bag(pack([held])))


def test_a_network_adds_its_logits():
    torch.manual_seed(0)
    network = SentimentNetwork(V, 3, embedding_dim=4, hidden_size=4, wide_buckets=M).eval()
    ids = packed([[2, 3, 4], [5]])
    deep = network(ids)  # the bag begins at zero
    torch.nn.init.normal_(network.get_parameter("wide.weight"))
    torch.testing.assert_close(network(ids), deep + network.wide_logits(ids))


def test_every_bucket_that_a_text_holds_receives_a_gradient_and_no_other():
    bag = NGramBag(M, 2, dropout=0.0)
    bag(packed([[2, 3]]))[0, 1].backward()
    assert bag.weight.grad is not None
    assert set(bag.weight.grad[:, 1].nonzero().flatten().tolist()) == buckets_of([2, 3])
