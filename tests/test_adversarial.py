import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence

from project.batch import pack, texts_of_tokens
from project.model.adversarial import perturbed
from project.network import SentimentNetwork

LENGTHS = (2, 5, 1)


def embedded_and_loss(network: SentimentNetwork) -> tuple[PackedSequence, torch.Tensor]:
    embedded = network.embed(pack([torch.arange(2, 2 + length) for length in LENGTHS]))
    return embedded, nn.functional.cross_entropy(network.classify(embedded), torch.tensor([0, 1, 1]))


def network() -> SentimentNetwork:
    torch.manual_seed(0)
    return SentimentNetwork(10, 2, embedding_dim=4, hidden_size=6).eval()


def test_every_text_moves_by_epsilon_in_root_mean_squares():
    embedded, loss = embedded_and_loss(network())
    step = (perturbed(embedded, loss, 0.3).data - embedded.data).detach()  # (N, E)
    lengths = torch.zeros(3).index_add(0, texts_of_tokens(embedded.batch_sizes), step.square().sum(1)).sqrt()
    unit = float(embedded.data.detach().square().mean().sqrt())
    assert lengths.tolist() == pytest.approx([0.3 * unit] * 3, rel=1e-5)


def test_the_loss_rises_more_than_in_random_directions_of_that_length():
    module = network()
    embedded, loss = embedded_and_loss(module)

    def rise(moved: PackedSequence) -> float:
        with torch.no_grad():
            return float(nn.functional.cross_entropy(module.classify(moved), torch.tensor([0, 1, 1])) - loss)

    worst = perturbed(embedded, loss, 0.1)
    embedded = embedded._replace(data=embedded.data.detach())
    length = (worst.data - embedded.data).norm()
    noise = [torch.randn_like(embedded.data) for _ in range(20)]
    others = [rise(embedded._replace(data=embedded.data + length * each / each.norm())) for each in noise]
    assert rise(worst) > max(others)


def test_embeddings_learn_from_the_perturbed_loss_but_not_through_the_step():
    module = network()
    embedded, loss = embedded_and_loss(module)
    worst = perturbed(embedded, loss, 0.1)
    (gradient,) = torch.autograd.grad(worst.data.sum(), embedded.data)
    torch.testing.assert_close(gradient, torch.ones_like(gradient))


def test_a_text_without_gradient_stays_where_it_is():
    embedded, _ = embedded_and_loss(network())
    moved = perturbed(embedded, (embedded.data * 0).sum(), 0.1)
    torch.testing.assert_close(moved.data, embedded.data)
