from functools import partial

import pytest
import torch
from torch import Tensor

from project.batch import pack
from project.encoder import BiLSTMEncoder
from project.errors import UserError
from project.network import SentimentNetwork, WordEmbedding, build_network, network_state

V, FROZEN, E, H, C = 10, 3, 5, 4, 3


def network(**options) -> SentimentNetwork:
    torch.manual_seed(0)
    encoder = partial(BiLSTMEncoder, hidden_size=H, num_layers=2)
    return SentimentNetwork(V, C, FROZEN, embedding_dim=E, encoder=encoder, **options)


def token_ids(*rows: list[int]):
    return pack([torch.tensor(row) for row in rows])


def test_logits_are_batch_by_classes():
    assert network()(token_ids([2, 3], [9], [4, 5, 6])).shape == (3, C)


def test_every_shape_on_the_way():
    module, shapes = network(), {}
    for name in ("embedding", "encoder", "classifier"):
        part = getattr(module, name)
        part.register_forward_hook(lambda _, __, output, name=name: shapes.update({name: tuple(output.shape)}))
    module(token_ids([2, 3], [4], [5, 6, 7]))
    assert shapes == {"embedding": (6, E), "encoder": (3, 2 * H), "classifier": (3, C)}


def test_every_parameter_receives_a_gradient():
    module = network().eval()
    module(token_ids([2, 3], [4])).sum().backward()
    assert [name for name, p in module.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_embedding_dropout_acts_in_training_only():
    ids = token_ids([2, 3, 9], [4])
    module = network(dropout=0.0, embedding_dropout=0.9)
    assert not torch.equal(module(ids), module(ids))
    assert torch.equal(module.eval()(ids), module(ids))


def test_optimizer_groups_spare_biases_and_embedding():
    module = network()
    decayed, biases, vectors = module.parameter_groups(0.25)
    assert {p.ndim for p in decayed["params"]} == {2}
    assert {p.ndim for p in biases["params"]} == {1}
    assert [p is module.embedding.trained.weight for p in vectors["params"]] == [True]
    assert [group["weight_decay"] for group in (decayed, biases, vectors)] == [0.25, 0.0, 0.0]


SMALL = {"vocab_size": V, "num_classes": C, "embedding_dim": E}


def test_a_network_is_built_from_its_state():
    assert isinstance(build_network(network_state("SentimentNetwork", SMALL)), SentimentNetwork)


def test_a_network_that_this_tree_lacks_names_the_folder_it_was_in():
    state = network_state("SentimentNetwork", SMALL) | {"name": "Forest", "module": "project.addons.forest.trees"}
    with pytest.raises(UserError, match=r"no network .Forest. of project/addons/forest, only SentimentNetwork"):
        build_network(state)


def pretrained() -> tuple[Tensor, Tensor]:
    vectors = torch.arange(V * E, dtype=torch.float).view(V, E)
    return vectors, torch.tensor([False, False, True, False, *[True] * 6])


def test_pretrained_vectors_land_in_their_rows():
    embedding = WordEmbedding(V, E, FROZEN)
    random = embedding.trained.weight[3].clone()
    vectors, found = pretrained()
    embedding.load_pretrained(vectors, found)
    torch.testing.assert_close(embedding(torch.tensor([2, 9, 6])), vectors[[2, 9, 6]])
    torch.testing.assert_close(embedding(torch.tensor([3]))[0], random)


def test_frozen_vectors_stay_and_trained_ones_move():
    embedding = WordEmbedding(V, E, FROZEN)
    vectors, found = pretrained()
    embedding.load_pretrained(vectors, found)
    optimizer = torch.optim.AdamW(embedding.parameters(), lr=0.1, weight_decay=0.5)
    embedding(torch.tensor([2, 9])).sum().backward()
    optimizer.step()
    after = embedding(torch.tensor([2, 9]))
    torch.testing.assert_close(after[1], vectors[9])
    assert not torch.allclose(after[0], vectors[2])


def test_frozen_word_gives_no_gradient_to_its_neighbour():
    embedding = WordEmbedding(V, E, FROZEN)
    embedding(torch.tensor([7, 8, 9])).sum().backward()
    assert embedding.trained.weight.grad is not None
    assert not embedding.trained.weight.grad.any()


def test_vectors_of_another_width_are_refused():
    with pytest.raises(UserError, match=r"set --model.embedding_dim=7"):
        WordEmbedding(V, E).load_pretrained(torch.zeros(V, 7), torch.ones(V, dtype=torch.bool))
