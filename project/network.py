"""Packed token ids (N,) -> embedding -> BiLSTM -> dropout -> linear -> logits (B, C): a plain nn.Module."""

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from project.addons.wide.ngrams import NGramBag
from project.encoder import BiLSTMEncoder, InitialState, Merge, Pooling
from project.errors import UserError
from project.packed_rnn.recurrence import Cell, RecurrencePath
from project.text import PAD_ID, UNK_ID

RANDOM_STD = 0.1  # of vectors that are not pretrained


class WordEmbedding(nn.Module):
    """One vector per word: those of training words are trained, those at the end of the vocabulary are frozen.

    A frozen vector stands in a buffer, so neither gradient nor weight decay reaches it.

    Args:
        vocab_size: V.
        embedding_dim: E.
        num_frozen: How many words at the end of the vocabulary are frozen.
    """

    def __init__(self, vocab_size: int, embedding_dim: int, num_frozen: int = 0) -> None:
        super().__init__()
        self.trained = nn.Embedding(vocab_size - num_frozen, embedding_dim, padding_idx=PAD_ID)
        nn.init.normal_(self.trained.weight, std=RANDOM_STD)
        self.register_buffer("frozen", torch.zeros(num_frozen, embedding_dim))
        self.frozen: Tensor

    def load_pretrained(self, vectors: Tensor, found: Tensor) -> None:
        """Copy `vectors` (V, E) where `found` (V,); the others stay random.

        Raises:
            UserError: E differs from the embedding's.
        """
        own, dim = self.trained.weight.shape
        if vectors.shape[1] != dim:
            raise UserError(
                f"the vectors have {vectors.shape[1]} dimensions, the model {dim}: "
                f"set --model.embedding_dim={vectors.shape[1]}"
            )
        with torch.no_grad():
            self.trained.weight[found[:own]] = vectors[:own][found[:own]]
            self.frozen.copy_(vectors[own:])

    def forward(self, token_ids: Tensor) -> Tensor:
        """Return (N, E) for `token_ids` (N,)."""
        own = self.trained.num_embeddings
        vectors: Tensor = self.trained(token_ids.clamp(max=own - 1))  # (N, E)
        if not len(self.frozen):
            return vectors
        frozen = self.frozen[(token_ids - own).clamp(min=0)]  # (N, E)
        return torch.where((token_ids >= own).unsqueeze(1), frozen, vectors)  # (N, E)


class WordDropout(nn.Module):
    """Replaces random tokens with ``<unk>`` in training, so that no single word carries a text (Iyyer et al. 2015).

    Args:
        p: Share of the tokens.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, token_ids: Tensor) -> Tensor:
        """Return `token_ids` (N,), some of them replaced."""
        if not self.training or self.p == 0:
            return token_ids
        return token_ids.masked_fill(torch.rand(token_ids.shape, device=token_ids.device) < self.p, UNK_ID)


class SentimentNetwork(nn.Module):
    """Embedding, encoder, dropout and linear classifier.

    Args:
        vocab_size: V.
        num_classes: C.
        num_frozen: See `WordEmbedding`.
        embedding_dim: E.
        hidden_size: H, per direction.
        num_layers: L.
        dropout: Between layers, and on the features.
        embedding_dropout: On the numbers of the embeddings.
        word_dropout: Share of tokens that training reads as ``<unk>``.
        wide_buckets: M, of the wide branch, see `NGramBag`; 0 for none.
        cell: This and the following: see `BiLSTMEncoder`.
        bidirectional: Whether a second direction reads from the end.
        bias: Whether the gates have biases.
        proj_size: Size to which an LSTM projects its h; 0 for none.
        merge: How the two directions become one vector.
        pooling: What a text's feature is.
        initial_state: Zeros, or learned.
        recurrence: Which way the recurrence is computed.
    """

    def __init__(
        self,
        vocab_size: int,
        num_classes: int,
        num_frozen: int = 0,
        embedding_dim: int = 50,
        hidden_size: int = 128,
        num_layers: int = 1,
        dropout: float = 0.5,
        embedding_dropout: float = 0.5,
        word_dropout: float = 0.0,
        wide_buckets: int = 0,
        cell: Cell = "lstm",
        bidirectional: bool = True,
        bias: bool = True,
        proj_size: int = 0,
        merge: Merge = "concat",
        pooling: Pooling = "last",
        initial_state: InitialState = "zeros",
        recurrence: RecurrencePath = "auto",
    ) -> None:
        super().__init__()
        self.word_dropout = WordDropout(word_dropout)
        self.embedding = WordEmbedding(vocab_size, embedding_dim, num_frozen)
        self.embedding_dropout = nn.Dropout(embedding_dropout)
        self.encoder = BiLSTMEncoder(
            embedding_dim,
            hidden_size,
            num_layers,
            dropout,
            cell,
            bidirectional,
            bias,
            proj_size,
            merge,
            pooling,
            initial_state,
            recurrence,
        )
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(self.encoder.output_size, num_classes)
        self.wide = NGramBag(wide_buckets, num_classes) if wide_buckets else None

    def forward(self, token_ids: PackedSequence) -> Tensor:
        """Return logits (B, C) for packed `token_ids`, whose data is (N,)."""
        return self.classify(self.embed(token_ids)) + self.wide_logits(token_ids)

    def wide_logits(self, token_ids: PackedSequence) -> Tensor:
        """Return the logits (B, C) of the bag of words and pairs; zeros, (1, C), where there is none."""
        if self.wide is None:
            return self.classifier.weight.new_zeros(1, self.classifier.out_features)
        logits: Tensor = self.wide(token_ids)
        return logits

    def embed(self, token_ids: PackedSequence) -> PackedSequence:
        """Return the embeddings, data (N, E), dropout applied."""
        vectors = self.embedding_dropout(self.embedding(self.word_dropout(token_ids.data)))  # (N, E)
        return token_ids._replace(data=vectors)

    def classify(self, embedded: PackedSequence) -> Tensor:
        """Return logits (B, C) for what `embed` returned."""
        features = self.encoder(embedded)  # (B, F)
        logits: Tensor = self.classifier(self.dropout(features))  # (B, C)
        return logits
