"""A classifier's word vectors and recurrent network -> a language model: each direction predicts its next token.

The forward states predict the token to the right, the backward states the one to the left; neither has seen it yet. A.
Dai and Q. Le 2015, *Semi-supervised Sequence Learning*; both directions share a vocabulary as in M. Peters et al. 2018.
"""

from typing import Any

import lightning as L
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.nn.functional import dropout
from torch.nn.utils.rnn import PackedSequence

from project.batch import neighbours
from project.trainer import linear_schedule

DROPOUT = 0.2  # on embeddings and states
FLATTENED = 0.75  # tokens are drawn in proportion to this power of their count (Mikolov et al. 2013)
ROWS = 256  # tokens whose scores for the whole vocabulary are computed at a time


class LanguageModel(L.LightningModule):
    """A language model for one or two directions.

    Args:
        network: The network whose embedding and recurrent network are trained.
        counts: How often each token occurs in the texts, (V,).
        samples: Number of tokens (S), drawn once per batch, that the correct one is compared with in training.
        learning_rate: Peak learning rate.
        warmup: Share of the optimizer steps in which the learning rate rises linearly; it then falls linearly to 0.
    """

    def __init__(self, network: Any, counts: Tensor, samples: int, learning_rate: float, warmup: float) -> None:
        super().__init__()
        self.embedding, self.rnn = network.embedding, network.encoder.rnn
        size, dim = self.rnn.proj_size or self.rnn.hidden_size, self.rnn.input_size
        self.directions = 1 + self.rnn.bidirectional
        self.heads = nn.ModuleList(nn.Linear(size, dim) for _ in range(self.directions))  # states -> word vectors
        self.bias = nn.Parameter(torch.zeros(len(counts)))
        self.samples, self.learning_rate, self.warmup = samples, learning_rate, warmup
        chance = counts.clamp(min=1).float().pow(FLATTENED)  # (V,)
        self.register_buffer("chance", chance / chance.sum(), persistent=False)
        self.chance: Tensor

    def states(self, token_ids: PackedSequence) -> list[tuple[Tensor, Tensor]]:
        """Return, for each direction, its states (N - B, H) and the tokens (N - B,) that it reads next.

        Args:
            token_ids: Data (N,), B pieces.
        """
        embedded = dropout(self.embedding(token_ids.data), DROPOUT, self.training)  # (N, E)
        outputs, _ = self.rnn(token_ids._replace(data=embedded))  # data (N, D*H)
        states = dropout(outputs.data, DROPOUT, self.training).chunk(self.directions, 1)  # (N, H) each
        left, right = (places.to(embedded.device) for places in neighbours(token_ids.batch_sizes))  # (N - B,)
        steps = [(left, right), (right, left)][: self.directions]  # positions of states and next tokens
        return [(half[here], token_ids.data[there]) for half, (here, there) in zip(states, steps, strict=True)]

    def training_step(self, token_ids: PackedSequence) -> Tensor:
        """Return the sampled-softmax loss of one batch, () (Jean et al. 2015)."""
        others = torch.multinomial(self.chance, self.samples, replacement=True)  # (S,)
        losses = [
            self.sampled(head, states, right, others)  # ()
            for head, (states, right) in zip(self.heads, self.states(token_ids), strict=True)
        ]
        loss = torch.stack(losses).mean()
        self.log("loss", loss, prog_bar=True, batch_size=len(token_ids.data))
        return loss

    def sampled(self, head: nn.Module, states: Tensor, right: Tensor, others: Tensor) -> Tensor:
        """Return the mean sampled-softmax loss, (), corrected for how often each token is drawn.

        Training on it leads to the same scores as training on the full softmax.

        Args:
            head: The direction's layer from states to word vectors.
            states: (M, H).
            right: The correct next tokens, (M,).
            others: Tokens drawn at random, (S,); those that are the correct token are ignored.
        """
        guess = head(states)  # (M, E)
        score = (guess.float() * self.embedding(right)).sum(1) + self.offset(right)  # (M,)
        scores = (guess @ self.embedding(others).to(guess.dtype).t()).float() + self.offset(others)  # (M, S)
        scores = scores.masked_fill(right.unsqueeze(1) == others, -torch.inf)
        loss: Tensor = (torch.logaddexp(score, scores.logsumexp(1)) - score).mean()
        return loss

    def offset(self, tokens: Tensor) -> Tensor:
        """Return what is added to the scores of `tokens` (K,): bias minus log of the expected number of draws, (K,)."""
        return self.bias[tokens] - (self.chance[tokens] * self.samples).log()

    def whole_loss(self, guess: Tensor, right: Tensor) -> Tensor:
        """Return the full-softmax loss, (M,), of predicted vectors `guess` (M, E) for the next tokens `right` (M,)."""
        vectors = self.embedding(torch.arange(len(self.bias), device=guess.device))  # (V, E)
        parts = zip(torch.split(guess.float(), ROWS), torch.split(right, ROWS), strict=True)
        found = [
            nn.functional.cross_entropy(part @ vectors.t() + self.bias, tokens, reduction="none")
            for part, tokens in parts
        ]
        return torch.cat(found)

    def validation_step(self, token_ids: PackedSequence) -> None:
        """Log the full-softmax loss of one batch, giving both directions the same weight."""
        for head, (states, right) in zip(self.heads, self.states(token_ids), strict=True):
            self.log("val/loss", self.whole_loss(head(states), right).mean(), batch_size=len(right))

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Return Adam with a learning rate that rises linearly, then falls linearly to 0."""
        optimizer = torch.optim.Adam(self.parameters(), lr=self.learning_rate)
        return linear_schedule(optimizer, self.trainer.estimated_stepping_batches, self.warmup)
