"""Corpus -> vocabulary -> encoded splits -> packed batches: `SentimentDataModule`."""

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import lightning as L
import numpy as np
import torch
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor
from torch.utils.data import DataLoader

from project.batch import Batch, DataFacts, EncodedTexts
from project.buckets import BucketSampler
from project.checkpoint import ModelState
from project.corpora import load_corpus
from project.decision import Labels
from project.errors import UserError
from project.ingest import NO_LABEL, Corpus, EncodedCorpus, ReadOptions, Split, check_unread, encode_corpus
from project.pretrained import Pretrained, vectors_of
from project.text import SPECIALS, Tokenizer, Truncation, tokenizer_class
from project.vectors import load_vectors
from project.vocabulary import build_vocabulary, extend_vocabulary

say = rank_zero_only(print)

WHOLE: dict[Any, Split] = {TrainerFn.TESTING: "test", TrainerFn.VALIDATING: "val"}
GPU_TOKENS = 2**16  # with padding, per batch that is only measured or predicted there: about 1 GB with H = 256
LEAST = {"batch_size": 1, "bpe_size": 1, "min_freq": 1, "max_vocab_size": 1, "pretrained_words": 0, "num_workers": 0}


class ResumableLoader(DataLoader[Batch]):
    """A `DataLoader` that knows its position in the epoch, so that a stopped run continues with the next batch.

    Lightning would save and restore it, but does not if a schedule has asked for the number of steps before: the data
    module does.

    Attributes:
        epoch_batches: Returns how many batches are an epoch, which a Trainer may limit.
    """

    epoch_batches: Callable[[], int]
    _yielded = 0  # batches of the epoch so far
    _skipped = 0  # batches that the next epoch leaves out

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override] # the loop needs no more than an iterator
        """Yield the batches of the epoch, or what is left of it."""
        self._yielded, self._skipped = self._skipped, 0
        torch.empty((), dtype=torch.int64).random_()  # torch's own draw without workers: a seed's figures depend on it
        for batch in islice(super().__iter__(), self._yielded, None):
            self._yielded += 1
            yield batch

    def state_dict(self) -> dict[str, Any]:
        """Return the position in the epoch."""
        return {"batches": self._yielded % self.epoch_batches()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue there."""
        self._skipped = state["batches"]


class SentimentDataModule(L.LightningDataModule):
    """Turns a corpus into packed batches.

    Args:
        corpus: Built-in name (movies, products, tweets, editorials, or one that an add-on brings), or a file or a
            folder of files (.csv, .tsv, .jsonl, each also .gz, or .parquet).
        batch_size: Texts per batch and process.
        text_column: Name of the text column; if a CSV or TSV file has no header, its number, from 1.
        label_column: Name or number of the label column: text, whole numbers or booleans.
        bad_rows: error stops if rows cannot be used, and counts them; skip leaves them out and lists them in a file.
        val_share: Share of train that becomes val if the corpus has none, of each class.
        test_share: Share of train that becomes test if the corpus has none; 0 for no test.
        drop_duplicates: Whether repeated texts, and those that are also in val or test, are removed from train.
        soft_targets: Whether train has a probability of each label in columns p_LABEL, as predict writes them: the
            model is trained on these. A row of train may then lack its label, and counts as the most probable one; val
            and test are measured on labels alone. null: what the corpus provides; movies and the other built-in ones
            have the shares of their raters, a file has none.
        delimiter: What separates the columns of CSV and TSV; null detects comma, semicolon or tab from the first line.
        group_column: Name or number of a column of groups, such as authors: rows of one group stay together when val
            and test are taken out of train, so that the shares of classes are approximate.
        labels: one if each text has one label, any if it may have any number: a list, or names separated by a bar,
            semicolon or comma; or columns of 0 and 1, whose names label_column then lists, such as joy,fear or is_*.
        balanced_sampling: Whether an epoch draws equally many texts of each class, repeating those of rare ones; with
            labels=any, equally many of each set of labels.
        tokenizer: words (basic_english), or one that an add-on brings: unicode (words of every script), bpe (sub-words
            learned from train) or a tokenizer.json.
        bpe_size: How many sub-words bpe learns.
        max_length: Maximum number of tokens in a text; longer texts are truncated.
        truncation: Which tokens of a longer text are kept: head, tail, or head+tail.
        min_freq: Occurrences in train that a word needs to enter the vocabulary; a rarer one needs a pretrained
            vector, and is frozen.
        max_vocab_size: Maximum number of training words in the vocabulary; null for no limit.
        vectors: Word vectors to start from: glove-6b-50d, a file in GloVe's or fastText's format, a .pt file from
            a command that trains them, or null for none.
        pretrained_words: How many of the most common pretrained words that train lacks are added, frozen.
        num_workers: Loader processes; 0 is fastest: to make a batch takes less time than to take it over from one.
        seed: Seed for the order of batches. The command line links it to seed_everything.
    """

    tokenizer: Tokenizer | None = None  # after `setup`; that of the model if it comes from a checkpoint
    label_names: tuple[str, ...] = ()  # likewise
    _trained_on: ModelState | None = None  # of a model that was loaded
    _num_frozen = 0
    _pretrained: tuple[Tensor, Tensor] | None = None
    _corpus: Corpus | None = None
    _other: Tokenizer | None = None  # a tokenizer other than words
    _encoded: EncodedCorpus | None = None
    _vectors: Pretrained | None = None

    def __init__(
        self,
        corpus: str = "movies",
        batch_size: int = 64,
        text_column: str = "text",
        label_column: str = "label",
        bad_rows: Literal["error", "skip"] = "error",
        val_share: float = 0.1,
        test_share: float = 0.1,
        drop_duplicates: bool = False,
        soft_targets: bool | None = None,
        delimiter: str | None = None,
        group_column: str | None = None,
        labels: Labels = "one",
        balanced_sampling: bool = False,
        tokenizer: str = "words",
        bpe_size: int = 8000,
        max_length: int = 256,
        truncation: Truncation = "head",
        min_freq: int = 2,
        max_vocab_size: int | None = None,
        vectors: str | None = "glove-6b-50d",
        pretrained_words: int = 50_000,
        num_workers: int = 0,
        seed: int = 42,
    ) -> None:
        super().__init__()
        Tokenizer(SPECIALS, max_length, truncation)  # refuses what makes no sense
        self.save_hyperparameters(logger=False)  # they travel in the checkpoint
        self.options = ReadOptions.among(self.hparams)
        self.hparams.pop("_instantiator", None)  # the command line's: what is left are plain values
        for name, least in LEAST.items():
            if (value := self.hparams[name]) is not None and value < least:
                raise UserError(f"{name} is {value}: set --data.{name}={least} or more")
        self.hparams["corpus"] = self.corpus_name = str(corpus)  # a checkpoint holds no Path, only plain types
        self.batch_size, self.vectors, self.max_length, self.truncation = batch_size, vectors, max_length, truncation
        self._position = {"batches": 0}

    def adopt(self, tokenizer: Tokenizer, label_names: Sequence[str]) -> None:
        """Use a trained model's tokenizer, vocabulary and labels, whatever the corpus's own words are.

        To be called before `setup`, which does so for a model that has them.
        """
        self.tokenizer, self.label_names = tokenizer, tuple(label_names)

    @property
    def corpus(self) -> Corpus:
        """The corpus, loaded once."""
        if self._corpus is None:
            function = self.trainer and self.trainer.state.fn
            known = self.label_names or None  # of a trained model
            labelled, own = function != TrainerFn.PREDICTING, self._trained_on
            self._corpus = load_corpus(self.corpus_name, self.options, known, labelled)
            same = own is None or Path(own["corpus"]).resolve() == Path(self.corpus_name).resolve()
            single = list(self._corpus.source.parts) == ["train"] and function in WHOLE
            if own is not None and single and not same and own["fingerprint"] != self._corpus.fingerprint:
                # nothing is carved out of a file that it was not trained on
                self._corpus = load_corpus(self.corpus_name, self.options, known, labelled, WHOLE[function])
            for note in self._corpus.notes:
                say(f"{self._corpus.name}: {note}")
        return self._corpus

    @property
    def encoded(self) -> EncodedCorpus:
        """The corpus as tokens, in the cache."""
        if self._encoded is None:
            tokenizer = self.tokenizer or self._other or Tokenizer(SPECIALS, self.max_length, self.truncation)
            state = {**tokenizer.state(), "tokens": []}  # positions in a table, which any vocabulary can look up
            self._encoded = encode_corpus(self.corpus, tokenizer.split, tokenizer.cut, json.dumps(state))
        return self._encoded

    def prepare_data(self) -> None:
        """Fetch, read and tokenize what the cache lacks, in one process."""
        if not self._has_tokenizer():
            if self.vectors is not None and self._vectors is None:
                self._vectors = load_vectors(self.vectors)
                if len(self._vectors.read):
                    check_unread(Path(self.vectors), self._vectors.read.tolist(), self.corpus)
            if (name := self.hparams["tokenizer"]) != "words" and self._other is None:
                self._other = tokenizer_class(name).for_corpus(lambda: self.corpus, self.hparams)
        self.encoded  # noqa: B018 # fills the cache

    def setup(self, stage: str) -> None:
        """Build the vocabulary from train, unless the model has one."""
        self.prepare_data()  # for the processes in which Lightning has not: the cache has it by now
        if self.tokenizer is None:
            self._build_tokenizer()

    def _has_tokenizer(self) -> bool:
        """Say whether there is a tokenizer, after adopting the model's if it has one."""
        state = getattr(self.trainer and self.trainer.lightning_module, "state", None)
        if self.tokenizer is None and state is not None:
            self.adopt(Tokenizer.from_state(state["tokenizer"]), state["label_names"])
            self._trained_on = state
        return self.tokenizer is not None

    def _build_tokenizer(self) -> None:
        self.corpus.split("train")
        self.label_names = self.corpus.label_names
        if len(self.label_names) < 2:
            raise UserError(f"corpus {self.corpus_name} has only the labels {list(self.label_names)}: two are needed")
        if self._other is not None:
            tokens = self._other.tokens
        else:
            counter, most = self.encoded.train_counter(), self.hparams["max_vocab_size"]
            tokens = build_vocabulary(counter, self.hparams["min_freq"], most)
        own = len(tokens)
        if self._vectors is not None:
            if self._other is None:
                tokens = extend_vocabulary(tokens, self._vectors.words, self.hparams["pretrained_words"])
            self._pretrained = vectors_of(tokens, self._vectors)
            self._vectors = None  # up to a gigabyte, and no longer needed
        self._num_frozen = len(tokens) - own
        self.tokenizer = self._other or Tokenizer(tokens, self.max_length, self.truncation)

    def facts(self) -> DataFacts:
        """Return what a model must know; `setup` comes first."""
        train, names = self._texts("train"), self.label_names
        words: Any = self.tokenizer  # there is one: `_texts` needs it
        labels = self.corpus, self.options.labels, train.least
        return DataFacts(words, names, train.class_counts(len(names)), self._num_frozen, self._pretrained, *labels)

    def _texts(self, split: Split) -> EncodedTexts:
        assert self.tokenizer is not None, "setup comes first"
        self.corpus.split(split)  # raises if there is none
        ids = np.array([self.tokenizer.token_id(token) for token in self.encoded.table])
        return EncodedTexts(self.encoded.split(split), ids, self.corpus.members)

    def _loader(self, texts: EncodedTexts, sampler: BucketSampler) -> ResumableLoader:
        workers = self.hparams["num_workers"]
        # its own generator: workers change no draw of training; a batch comes in one piece: nothing to collate
        how: dict[str, Any] = {"batch_size": sampler.batch_size, "num_workers": workers, "generator": torch.Generator()}
        how |= {"persistent_workers": workers > 0, "pin_memory": torch.cuda.is_available()}
        return ResumableLoader(texts, sampler=sampler, collate_fn=Batch._make, **how)

    def _processes(self) -> tuple[int, int]:
        return (self.trainer.world_size, self.trainer.global_rank) if self.trainer else (1, 0)

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return batches of texts of similar length, in random order."""
        texts = self._texts("train")
        labels = texts.labels if self.hparams["balanced_sampling"] else None
        seed = self.hparams["seed"]
        sampler = BucketSampler(texts.lengths, self.batch_size, True, seed, *self._processes(), labels=labels)
        loader = self._loader(texts, sampler)
        loader.epoch_batches = lambda: int(self.trainer.num_training_batches)  # type: ignore[union-attr] # nobody else asks
        loader.load_state_dict(self._position)
        return loader

    def state_dict(self) -> dict[str, Any]:
        """Return the position in the epoch of training, for a checkpoint."""
        loader: ResumableLoader | None = getattr(self.trainer, "train_dataloader", None)
        return loader.state_dict() if loader is not None else self._position

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Let the next training continue there."""
        self._position = state_dict

    def _sorted_loader(self, split: Split, option: str) -> DataLoader[Batch]:
        """Return a split sorted by length, or in random order if the Trainer's `option` limits it."""
        texts, processes = self._texts(split), self._processes()
        limit = getattr(self.trainer, option, 1.0)
        seed, mixed = self.hparams["seed"], limit != 1.0 or isinstance(limit, int)
        on_gpu = self.trainer is not None and self.trainer.strategy.root_device.type == "cuda"
        size = GPU_TOKENS // int(texts.lengths.max(initial=1)) if on_gpu and not mixed else 0
        sampler = BucketSampler(texts.lengths, max(size, self.batch_size), False, seed, *processes, mixed=mixed)
        loader = self._loader(texts, sampler)
        batches = int(limit * len(loader)) if isinstance(limit, float) else limit
        if batches < len(loader):
            some = batches * self.batch_size * processes[0]
            say(f"{split}: {some:,} of {len(texts):,} texts, chosen at random: {option}={limit}")
        counts = texts.class_counts(len(self.label_names)) if NO_LABEL not in texts.labels else []
        if absent := [name for name, count in zip(self.label_names, counts, strict=False) if not count]:
            say(f"{split} has no text of {', '.join(absent)}: means over classes leave them out")
        return loader

    def val_dataloader(self) -> DataLoader[Batch]:
        """Return the val split, sorted by length."""
        return self._sorted_loader("val", "limit_val_batches")

    def test_dataloader(self) -> DataLoader[Batch]:
        """Return the test split, sorted by length."""
        return self._sorted_loader("test", "limit_test_batches")

    def predict_dataloader(self) -> DataLoader[Batch]:
        """Return the texts to predict, sorted by length; `Batch.rows` has their order in the source."""
        return self._sorted_loader("test", "limit_predict_batches")
