"""Embeddings -> the same a small step in the direction that hurts most: adversarial training (Miyato et al. 2017)."""

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from project.batch import texts_of_tokens


def perturbed(embedded: PackedSequence, loss: Tensor, epsilon: float) -> PackedSequence:
    """Return `embedded` moved so that `loss` rises fastest, each text by the same distance.

    The paper normalizes the embeddings to unit variance, and so gives `epsilon` a meaning; here the distance is
    measured in root mean squares of the batch's embeddings, which leaves the vectors as they are, pretrained ones too.

    Args:
        embedded: Data (N, E), with the graph that leads to `loss`.
        loss: (), whose graph is kept.
        epsilon: Euclidean length of the step of a whole text, all its tokens' vectors taken as one; the paper takes 5.
    """
    (gradient,) = torch.autograd.grad(loss, embedded.data, retain_graph=True)  # (N, E)
    texts = texts_of_tokens(embedded.batch_sizes).to(gradient.device)  # (N,)
    squares = gradient.new_zeros(int(embedded.batch_sizes[0])).index_add(0, texts, gradient.square().sum(1))  # (B,)
    length = squares.sqrt().clamp(min=torch.finfo(gradient.dtype).tiny)[texts].unsqueeze(1)  # (N, 1)
    unit = embedded.data.detach().square().mean().sqrt()  # ()
    return embedded._replace(data=embedded.data + epsilon * unit * gradient / length)
