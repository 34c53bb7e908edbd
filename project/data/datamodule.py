"""Corpus -> vocabulary -> encoded splits -> packed batches: `SentimentDataModule`."""

from collections.abc import Callable, Sequence

import lightning as L
import torch
from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from project.batch import Batch, EncodedText, collate
from project.data.buckets import BucketSampler, padding_share
from project.data.corpora import Corpus, Example, Split, load_corpus, unlabelled
from project.data.vectors import WordVectors, load_vectors
from project.data.vocabulary import build_vocabulary, extend_vocabulary
from project.errors import UserError
from project.text import SPECIALS, Tokenizer, Truncation


class EncodedTexts(Dataset[EncodedText]):
    """A split as token ids: one flat tensor and where each text begins in it."""

    def __init__(self, examples: Sequence[Example], encode: Callable[[str], list[int]]) -> None:
        encoded = [encode(text) for text, _ in examples]
        self.lengths = [len(ids) for ids in encoded]
        self.labels = [label for _, label in examples]
        self._ids = torch.tensor([token_id for ids in encoded for token_id in ids])  # (sum of lengths,)
        self._starts = torch.tensor([0, *self.lengths]).cumsum(0).tolist()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, row: int) -> EncodedText:
        return EncodedText(row, self._ids[self._starts[row] : self._starts[row + 1]], self.labels[row])


class SentimentDataModule(L.LightningDataModule):
    """Turns a corpus into packed batches.

    Args:
        corpus: Built-in name (movies, products, tweets, editorials) or a folder with train.csv, val.csv and test.csv.
        batch_size: Texts per batch and process.
        max_length: Longest text that is kept whole, in tokens.
        truncation: Which tokens of a longer text stay: head, tail, or head+tail.
        min_freq: Occurrences in train that a word needs to enter the vocabulary.
        max_vocab_size: Most words of train in the vocabulary; all where none is given.
        vectors: Pretrained word vectors: glove-6b-50d, a file in GloVe's or fastText's text format, or null for none.
        pretrained_words: How many of the commonest pretrained words that train lacks join the vocabulary, frozen.
        num_workers: Loader processes; 0 is fastest here, since loading takes far less time than the model.
        seed: Of the order of batches. The command line links it to seed_everything.

    Attributes:
        tokenizer: Available after `setup`; the checkpoint's where one was adopted.
        label_names: Likewise.
        num_frozen: How many words at the end of the vocabulary keep their pretrained vectors unchanged.
        pretrained: Vectors of the whole vocabulary, (V, E), and which words have one, (V,); None without `vectors`.
    """

    def __init__(
        self,
        corpus: str = "movies",
        batch_size: int = 64,
        max_length: int = 256,
        truncation: Truncation = "head",
        min_freq: int = 1,
        max_vocab_size: int | None = None,
        vectors: str | None = "glove-6b-50d",
        pretrained_words: int = 50_000,
        num_workers: int = 0,
        seed: int = 42,
    ) -> None:
        super().__init__()
        if batch_size < 1:
            raise UserError(f"batch_size is {batch_size}: set --data.batch_size=1 or more")
        self.corpus_name = corpus
        self.batch_size = batch_size
        self.max_length = max_length
        self.truncation: Truncation = truncation
        self.min_freq = min_freq
        self.max_vocab_size = max_vocab_size
        self.vectors = vectors
        self.pretrained_words = pretrained_words
        self.num_workers = num_workers
        self.seed = seed

        self.tokenizer: Tokenizer | None = None
        self.label_names: tuple[str, ...] = ()
        self.num_frozen = 0
        self.pretrained: tuple[Tensor, Tensor] | None = None
        self._adopted = False
        self._corpus: Corpus | None = None
        self._vectors: WordVectors | None = None
        self._encoded: dict[Split, EncodedTexts] = {}

    def adopt(self, tokenizer: Tokenizer, label_names: Sequence[str], num_frozen: int) -> None:
        """Use a checkpoint's tokenizer, vocabulary and labels, whatever the corpus's own words are.

        To be called before the Trainer is; the command line does so for every ``--ckpt_path``.
        """
        self.tokenizer = tokenizer
        self.label_names = tuple(label_names)
        self.num_frozen = num_frozen
        self._adopted = True

    @property
    def corpus(self) -> Corpus:
        """The corpus, loaded once, its labels those of the adopted checkpoint if there is one."""
        if self._corpus is None:
            corpus = load_corpus(self.corpus_name)
            self._corpus = corpus.relabelled(self.label_names) if self._adopted else corpus
        return self._corpus

    def prepare_data(self) -> None:
        """Fetch what is missing, in one process."""
        self.corpus  # noqa: B018 # loads and keeps it
        if self.tokenizer is None and self.vectors is not None:
            self._vectors = load_vectors(self.vectors)

    def setup(self, stage: str) -> None:
        """Build the vocabulary from train (unless a checkpoint's was adopted) and encode the splits of `stage`."""
        if self.tokenizer is None:
            self._build_tokenizer()
        needed: dict[str, tuple[Split, ...]] = {"fit": ("train", "val"), "validate": ("val",)}
        for split in needed.get(stage, ("test",)):
            self._encode(split)

    def class_counts(self) -> list[int]:
        """Return how many training texts each class has."""
        counts = torch.tensor(self._encode("train").labels).bincount(minlength=len(self.label_names))
        return [int(count) for count in counts]

    def _build_tokenizer(self) -> None:
        train = self.corpus.split("train")
        if not train:
            raise UserError(f"corpus {self.corpus_name} has no training text")
        self.label_names = self.corpus.label_names
        if len(self.label_names) < 2:
            raise UserError(
                f"corpus {self.corpus_name} has the label {self.label_names[0]!r} only: a classifier needs two"
            )
        tokens = build_vocabulary((text for text, _ in train), self.min_freq, self.max_vocab_size)
        own = len(tokens)
        if self.vectors is not None:
            pretrained = self._vectors or load_vectors(self.vectors)
            self._vectors = None  # as large as a gigabyte, and of no more use
            tokens = extend_vocabulary(tokens, pretrained.words, self.pretrained_words)
            self.pretrained = pretrained.lookup(tokens)
            self._report_coverage(pretrained, own)
        self.num_frozen = len(tokens) - own
        self.tokenizer = Tokenizer(tokens, self.max_length, self.truncation)

    @rank_zero_only
    def _report_coverage(self, pretrained: WordVectors, own: int) -> None:
        assert self.pretrained is not None
        found = int(self.pretrained[1][:own].sum())
        words = own - len(SPECIALS)
        print(
            f"vocabulary: {words:,} words of train, {found / max(words, 1):.1%} of them with pretrained vectors of "
            f"{pretrained.dim} dimensions, and {len(self.pretrained[1]) - own:,} pretrained words more"
        )

    def _encode(self, split: Split) -> EncodedTexts:
        if split not in self._encoded:
            assert self.tokenizer is not None, "setup comes first"
            self._encoded[split] = EncodedTexts(self.corpus.split(split), self.tokenizer.encode)
            if not len(self._encoded[split]):
                raise UserError(f"corpus {self.corpus_name} has no text in its {split} split")
        return self._encoded[split]

    def _sampler(self, texts: EncodedTexts, shuffle: bool) -> BucketSampler:
        world, rank = (self.trainer.world_size, self.trainer.global_rank) if self.trainer else (1, 0)
        return BucketSampler(texts.lengths, self.batch_size, shuffle, self.seed, world, rank)

    def _loader(self, texts: EncodedTexts, sampler: Sampler[int]) -> DataLoader[Batch]:
        return DataLoader(
            texts,  # type: ignore[arg-type] # the collated type differs from the data set's
            batch_size=self.batch_size,
            sampler=sampler,
            collate_fn=collate,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
            pin_memory=torch.cuda.is_available(),
        )

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return batches of like length in random order."""
        texts = self._encode("train")
        sampler = self._sampler(texts, shuffle=True)
        self._report_padding(texts, sampler)
        return self._loader(texts, sampler)

    @rank_zero_only
    def _report_padding(self, texts: EncodedTexts, sampler: BucketSampler) -> None:
        share = padding_share(texts.lengths, sampler, self.batch_size)
        print(
            f"train: {len(texts):,} texts, {sum(texts.lengths):,} tokens; padding is {share:.1%} of the batches' cells"
        )

    def val_dataloader(self) -> DataLoader[Batch]:
        """Return the val split, sorted by length."""
        return self._loader(self._encode("val"), self._sampler(self._encode("val"), shuffle=False))

    def test_dataloader(self) -> DataLoader[Batch]:
        """Return the test split, sorted by length."""
        return self._loader(self._encode("test"), self._sampler(self._encode("test"), shuffle=False))

    def predict_dataloader(self) -> DataLoader[Batch]:
        """Return the test split without its labels, sorted by length; `Batch.rows` tells the order of the source."""
        assert self.tokenizer is not None, "setup comes first"
        texts = EncodedTexts(unlabelled(self.corpus.split("test")), self.tokenizer.encode)
        return self._loader(texts, self._sampler(texts, shuffle=False))
