import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from project import load
from project.addons.wide.ngrams import LEFT, RIGHT, WORD, NGramBag, WideNetwork
from project.batch import pack
from project.errors import UserError
from tests.conftest import SMALL

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
def test_logits_are_the_sum_of_distinct_ngrams_over_the_root_of_their_number(texts):
    bag = filled()
    expected = [bag.weight[sorted(found)].sum(0) / math.sqrt(len(found)) for found in map(buckets_of, texts)]
    torch.testing.assert_close(bag(packed(texts)), torch.stack(expected), atol=1e-5, rtol=1e-5)


@given(TEXTS, st.lists(st.integers(1, V - 1), min_size=1, max_size=20))
def test_other_texts_in_the_batch_change_nothing(texts, mate):
    bag = filled()
    torch.testing.assert_close(bag(packed([*texts, mate]))[:-1], bag(packed(texts)), atol=1e-5, rtol=1e-5)


def test_the_order_of_words_matters():
    bag = filled(buckets=2**16)
    assert not torch.allclose(bag(packed([[2, 3]])), bag(packed([[3, 2]])))


def test_a_repeated_word_counts_once():
    bag = filled(buckets=2**16)
    torch.testing.assert_close(bag(packed([[2, 2, 2]])), bag(packed([[2, 2]])))


def test_dropout_drops_its_share_and_scales_the_rest():
    torch.manual_seed(0)
    bag = NGramBag(2**16, 2, dropout=0.5).train()
    torch.nn.init.ones_(bag.weight)
    held = torch.arange(1, 5001)  # 9,999 words and pairs, a few of which share a bucket
    logits = bag(pack([held]))
    assert logits[0, 0].item() == pytest.approx(bag.eval()(pack([held]))[0, 0].item(), rel=0.05)
    assert not torch.equal(logits, bag(pack([held])))


def wide_network(**options) -> WideNetwork:
    torch.manual_seed(0)
    return WideNetwork(**{"buckets": M, **options}, vocab_size=V, num_classes=3, embedding_dim=4).eval()


def test_the_bags_logits_are_added_to_the_networks():
    network, ids = wide_network(), packed([[2, 3, 4], [5]])
    deep = network(ids)  # the bag starts at zero
    torch.nn.init.normal_(network.wide.weight)
    torch.testing.assert_close(network(ids), deep + network.wide(ids))


def test_the_bag_has_its_own_learning_rate_and_weight_decay():
    *others, wide = wide_network(wide_learning_rate=0.05, wide_weight_decay=0.2).parameter_groups(0.01)
    assert (wide["lr"], wide["weight_decay"], [p.shape for p in wide["params"]]) == (0.05, 0.2, [(M, 3)])
    assert [group.get("lr") for group in others] == [None] * 3
    assert all(p.shape != (M, 3) for group in others for p in group["params"])


@pytest.mark.parametrize("options", [{"buckets": 0}, {"wide_learning_rate": -1.0}, {"wide_weight_decay": -1.0}])
def test_invalid_options_are_refused(options):
    with pytest.raises(UserError, match="network_options of WideNetwork"):
        WideNetwork(**options, vocab_size=V, num_classes=3)


WIDE = ("--model.network=WideNetwork", "--model.network_options.buckets=4096")


@pytest.mark.slow
def test_a_wide_network_trains_and_classifies_from_its_checkpoint_alone(sentiment, toy, capsys):
    assert sentiment("fit", f"--data.corpus={toy}", "--trainer.max_epochs=6", *WIDE, *SMALL) == 0
    assert ", 8,192 wide)" in capsys.readouterr().out
    checkpoint = "runs/version_0/checkpoints/best.ckpt"
    answers = load(checkpoint)(["A dull film.", "The music is wise, and warm."])
    assert [answer.label for answer in answers] == ["negative", "positive"]


def test_only_the_buckets_of_a_text_receive_a_gradient():
    bag = NGramBag(M, 2, dropout=0.0)
    bag(packed([[2, 3]]))[0, 1].backward()
    assert bag.weight.grad is not None
    assert set(bag.weight.grad[:, 1].nonzero().flatten().tolist()) == buckets_of([2, 3])


@pytest.mark.slow
def test_a_wide_checkpoint_is_tested_and_trained_on(sentiment, toy):
    assert sentiment("fit", f"--data.corpus={toy}", "--trainer.max_epochs=1", *WIDE, *SMALL) == 0
    path = "--ckpt_path=runs/version_0/checkpoints/last.ckpt"
    assert sentiment("test", path, "--trainer.enable_progress_bar=false") == 0
    assert sentiment("fit", path, "--trainer.max_epochs=2", "--trainer.enable_progress_bar=false") == 0
    assert sentiment("test", path, "--model.network_options.buckets=3") == 2
