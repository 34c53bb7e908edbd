"""A corpus name or folder -> labelled texts of train, val and test."""

import csv
import hashlib
import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from project.batch import NO_LABEL
from project.data.download import Distribution, Member, fetch
from project.errors import UserError

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")


class Example(NamedTuple):
    """A text and the index of its label in the corpus's `label_names`."""

    text: str
    label: int


@dataclass(frozen=True)
class Corpus:
    """Labelled texts, split once and for all.

    Attributes:
        name: What the user called it.
        label_names: The classes; a label is an index into them.
        splits: Examples by split, in the order of their source; a split may be absent.
    """

    name: str
    label_names: tuple[str, ...]
    splits: dict[Split, list[Example]] = field(repr=False)

    def split(self, name: Split) -> list[Example]:
        """Return the examples of one split.

        Raises:
            UserError: The corpus has no such split.
        """
        if name not in self.splits:
            raise UserError(f"corpus {self.name} has no {name} split, only {', '.join(self.splits)}")
        return self.splits[name]

    def fingerprint(self) -> str:
        """Return a hex digest of every split, text and label name: equal content, equal fingerprint."""
        digest = hashlib.sha256()
        for split in SPLITS:
            for text, label in self.splits.get(split, []):
                digest.update(json.dumps([split, text, self.label_names[label]]).encode())
        return digest.hexdigest()

    def relabelled(self, label_names: tuple[str, ...]) -> "Corpus":
        """Return the corpus with its labels as indices into `label_names`, matched by name.

        Raises:
            UserError: The corpus uses a label that `label_names` lacks.
        """
        unknown = sorted(set(self.label_names) - set(label_names))
        if unknown:
            raise UserError(
                f"corpus {self.name} has the label {unknown[0]!r}, the checkpoint knows only {', '.join(label_names)}; "
                "test it on a corpus with its own labels"
            )
        new = [label_names.index(name) for name in self.label_names]
        splits = {split: [Example(text, new[label]) for text, label in rows] for split, rows in self.splits.items()}
        return Corpus(self.name, label_names, splits)


def load_corpus(name: str) -> Corpus:
    """Load a built-in corpus by name, or a folder of CSV files by path; see `BUILT_IN` and `read_folder`.

    Raises:
        UserError: There is no such corpus, or it cannot be fetched or read.
    """
    if name in BUILT_IN:
        return BUILT_IN[name](name)
    if Path(name).is_dir():
        return read_folder(Path(name))
    raise UserError(f"corpus {name!r} is neither a built-in one ({', '.join(BUILT_IN)}) nor a folder with train.csv")


# --- built-in corpora: human ratings of short texts -------------------------------------------------------------------

# C.J. Hutto and E. Gilbert (2014), VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text,
# ICWSM-14. The ratings travel with the authors' Python package, under the MIT licence.
HUTTO_ARCHIVE = "hutto_ICWSM_2014.tar.gz"
HUTTO = Distribution(
    requirement="vaderSentiment==3.3.2",
    sha256="5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
    source=True,
    size="2 MB",
    members=(
        Member(
            path=f"vaderSentiment-3.3.2/additional_resources/{HUTTO_ARCHIVE}",
            sha256="d5bb07d87474b3eb8d30b4deccbc23f19d742a6c5718fbacc65485b70b95c5fa",
            url=f"https://github.com/cjhutto/vaderSentiment/raw/master/additional_resources/{HUTTO_ARCHIVE}",
        ),
    ),
)
HUTTO_FILES = {
    "movies": "movieReviewSnippets_GroundTruth.txt",
    "products": "amazonReviewSnippets_GroundTruth.txt",
    "tweets": "tweets_GroundTruth.txt",
    "editorials": "nytEditorialSnippets_GroundTruth.txt",
}
POLARITY = ("negative", "positive")


def _split_of(row_id: str) -> Split:
    """Map a row id (``12`` or ``12_3``, where sentences of review 12 belong together) to its split for good."""
    last_digit = int(row_id.split("_")[0]) % 10
    return "val" if last_digit == 8 else "test" if last_digit == 9 else "train"


def parse_hutto(lines: Iterator[str]) -> dict[Split, list[Example]]:
    """Parse ``id TAB mean rating TAB text`` lines into splits.

    A text is positive where the mean of its 20 ratings (-4 to 4) is above 0. An exactly neutral mean (37 of 10,605
    movie sentences) is therefore negative: dropping those rows would make the test figures easier and incomparable.
    A text that stands in val or test is left out of train.
    """
    splits: dict[Split, list[Example]] = {"train": [], "val": [], "test": []}
    for line in lines:
        row_id, rating, text = line.split("\t")
        splits[_split_of(row_id)].append(Example(text, int(float(rating) > 0)))
    held_out = {example.text for split in ("val", "test") for example in splits[split]}
    splits["train"] = [example for example in splits["train"] if example.text not in held_out]
    return splits


def load_hutto(name: str) -> Corpus:
    """Load movies, products, tweets or editorials, fetching the archive of all four where the cache lacks it."""
    archive = fetch(HUTTO)[HUTTO_ARCHIVE]
    with tarfile.open(archive) as tar:
        file = tar.extractfile(f"hutto_ICWSM_2014/{HUTTO_FILES[name]}")
        assert file is not None, "the archive's hash was verified"
        text = file.read().decode("utf-8")
    return Corpus(name, POLARITY, parse_hutto(line for line in text.split("\r\n") if line))


BUILT_IN: dict[str, Callable[[str], Corpus]] = dict.fromkeys(HUTTO_FILES, load_hutto)


# --- a folder of CSV files --------------------------------------------------------------------------------------------


def read_folder(folder: Path) -> Corpus:
    """Read ``train.csv``, ``val.csv`` and ``test.csv`` with the columns text and label; any of them may be absent.

    The label names are those of all files, in alphabetical order.

    Raises:
        UserError: No file is there, or a row cannot be used (the message names file and line).
    """
    rows = {split: list(_read_csv(folder / f"{split}.csv")) for split in SPLITS if (folder / f"{split}.csv").is_file()}
    if not rows:
        raise UserError(f"{folder} holds none of train.csv, val.csv and test.csv (columns: text,label)")
    label_names = tuple(sorted({label for split in rows.values() for _, label in split}))
    index = {name: number for number, name in enumerate(label_names)}
    return Corpus(
        str(folder),
        label_names,
        {split: [Example(text, index[label]) for text, label in rows[split]] for split in rows},
    )


def _read_csv(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (text, label name) of every row; the words "null", "NA" and the like are text."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, restkey="", strict=True)
        line = 1
        try:
            if reader.fieldnames is None or not {"text", "label"} <= set(reader.fieldnames):
                raise UserError(
                    f"{path}:1: the header must name the columns text and label, it reads {reader.fieldnames}"
                )
            for row in reader:
                start, line = line + 1, reader.line_num
                if "" in row or None in row.values():
                    raise UserError(
                        f"{path}:{start}: the row has not as many columns as the header; quote texts with commas"
                    )
                if not row["text"].strip() or not row["label"].strip():
                    raise UserError(f"{path}:{start}: the text or the label is empty; fill it in or remove the row")
                yield row["text"], row["label"]
        except csv.Error as error:
            raise UserError(
                f"{path}:{line + 1}: not valid CSV ({error}); quote texts with commas, line breaks or quotes"
            ) from error
        except UnicodeDecodeError as error:
            raise UserError(
                f"{path}: not UTF-8 text after line {reader.line_num} ({error.reason}); save the file as UTF-8"
            ) from error


def unlabelled(rows: list[Example]) -> list[Example]:
    """Return `rows` without their labels, for prediction."""
    return [Example(text, NO_LABEL) for text, _ in rows]
