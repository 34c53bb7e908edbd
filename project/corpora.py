"""A name, file or folder -> a corpus: labelled texts of train, val and test."""

import hashlib
import os
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from project.errors import UserError
from project.ingest.fetch import Distribution, Member, fetch
from project.ingest.hub import hub_source
from project.ingest.records import SUFFIXES, Record, is_data_file, read_records
from project.ingest.store import Corpus, CorpusOptions, Part, Source, Split, open_store


def load_corpus(
    name: str,
    options: CorpusOptions | None = None,
    known_labels: Sequence[str] | None = None,
    labelled: bool = True,
) -> Corpus:
    """Load a corpus, from the cache where it has been read before.

    Args:
        name: A built-in name (see `BUILT_IN`), a file, a folder, or the id of a Hugging Face data set.
        options: How rows become a corpus.
        known_labels: A checkpoint's labels: no others may occur.
        labelled: False to take every row as a text to predict; the corpus then has a test split alone.

    Raises:
        UserError: There is no such corpus, it cannot be fetched or read, or its rows cannot be used.
    """
    options = options or CorpusOptions()
    for share in ("val_share", "test_share"):
        if not 0 <= getattr(options, share) < 1:
            raise UserError(f"{share} is {getattr(options, share)}: set --data.{share} to at least 0 and less than 1")
    if options.val_share + options.test_share >= 1:
        raise UserError("val_share and test_share leave nothing to train on: their sum should be less than 1")
    source, column = find_source(name, options)
    if column is not None and options.text_column == CorpusOptions.text_column:
        options = replace(options, text_column=column)
    parts = source.parts
    if not labelled:
        parts = {"test": parts.get("test") or parts.get("train") or parts["val"]}
    known = tuple(known_labels) if known_labels is not None else None
    source = replace(source, parts=parts, known_labels=known, labelled=labelled, text_column=options.text_column)
    return open_store(source, options)


def find_source(name: str, options: CorpusOptions) -> tuple[Source, str | None]:
    """Return the source called `name`, and its column of texts where that is known."""
    if name in BUILT_IN:
        return BUILT_IN[name](name, options)
    path = Path(name).expanduser()
    if path.is_dir():
        return folder_source(name, path, options), None
    if path.is_file():
        return file_source(name, path, options), None
    if re.fullmatch(r"[\w.-]+/[\w.-]+", name) and not is_data_file(path):
        return hub_source(name), None
    taught = "; a teacher makes a folder: sentiment teach, as a recipe's header says" if options.soft_labels else ""
    raise UserError(
        f"corpus {name!r} is neither a built-in one ({', '.join(BUILT_IN)}), nor a file ({', '.join(SUFFIXES[:4])}, "
        f".gz), nor a folder, nor the id of a Hugging Face data set (owner/name){taught}"
    )


# --- files and folders ------------------------------------------------------------------------------------------------

# train.csv, test-00000-of-00001.parquet, validation.jsonl.gz
SPLIT_NAMES: dict[str, Split] = {
    **{"train": "train", "training": "train"},
    **{"val": "val", "valid": "val", "validation": "val", "dev": "val"},
    **{"test": "test"},
}
UNLABELLED = ("unsupervised", "unlabelled", "unlabeled")


def file_source(name: str, path: Path, options: CorpusOptions) -> Source:
    """Make a source of one file, from which the other splits are carved.

    Raises:
        UserError: Its format is not known.
    """
    if not is_data_file(path):
        raise UserError(f"{path} has none of the suffixes that are read: {', '.join(SUFFIXES)}")
    return Source(name, digest_files([path]), {"train": [file_part(path, options)]})


def folder_source(name: str, folder: Path, options: CorpusOptions) -> Source:
    """Make a source of a folder whose files are named after their splits, as on the Hugging Face hub.

    Files called unsupervised, unlabelled or unlabeled hold more texts, for word vectors.

    Raises:
        UserError: No file in it, or in its folder ``data``, is named so.
    """
    files: dict[Split, list[Path]] = {}
    unlabelled: list[Path] = []
    for path in sorted([*folder.iterdir(), *(folder / "data").glob("*")]):
        name_of_split = re.split(r"[-._]", path.name.lower())[0]
        if name_of_split in SPLIT_NAMES and is_data_file(path):
            files.setdefault(SPLIT_NAMES[name_of_split], []).append(path)
        elif name_of_split in UNLABELLED and is_data_file(path):
            unlabelled.append(path)
    if not files:
        raise UserError(f"{folder} holds no file named after its split, such as train.csv or test.parquet")
    paths = [path for split in sorted(files) for path in files[split]]
    return Source(
        name,
        digest_files(paths + unlabelled),
        {split: [file_part(p, options) for p in files[split]] for split in files},
        unlabelled=[file_part(p, options) for p in unlabelled],
    )


def file_part(path: Path, options: CorpusOptions) -> Part:
    """Return the rows of a file."""
    return Part(str(path), partial(read_records, path, options.quoting))


def digest_files(paths: Iterable[Path]) -> str:
    """Return a digest of names and content: what a corpus in the cache is found by.

    Raises:
        UserError: A file cannot be read.
    """
    digest = hashlib.sha256()
    for path in paths:
        try:
            with path.open("rb") as file:
                digest.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror}") from error
    return digest.hexdigest()


# --- built-in corpora: human ratings of short texts -------------------------------------------------------------------

# C.J. Hutto and E. Gilbert (2014), VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text,
# ICWSM-14. The ratings travel with the authors' Python package, under the MIT licence.
HUTTO_ARCHIVE = "hutto_ICWSM_2014.tar.gz"
HUTTO = Distribution(
    requirement="vaderSentiment==3.3.2",
    sha256="5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
    kind="sdist",
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
POLARITY = {"0": "negative", "1": "positive"}


def _split_of(row_id: str) -> Split:
    """Map a row id (``12`` or ``12_3``, where sentences of review 12 belong together) to its split for good."""
    last_digit = int(row_id.split("_")[0]) % 10
    return "val" if last_digit == 8 else "test" if last_digit == 9 else "train"


def parse_hutto(lines: Iterable[str]) -> dict[Split, list[Record]]:
    """Parse ``id TAB mean rating TAB text`` lines into splits.

    A text is positive where the mean of its 20 ratings (-4 to 4) is above 0. An exactly neutral mean (37 of 10,605
    movie sentences) is therefore negative: dropping those rows would make the test figures easier and incomparable.
    A text that stands in val or test is left out of train.
    """
    splits: dict[Split, list[Record]] = {"train": [], "val": [], "test": []}
    for number, line in enumerate(lines, start=1):
        row_id, rating, text = line.split("\t")
        splits[_split_of(row_id)].append(Record(number, {"text": text, "label": int(float(rating) > 0)}))
    held_out = {record.columns["text"] for record in splits["val"] + splits["test"]}
    splits["train"] = [record for record in splits["train"] if record.columns["text"] not in held_out]
    return splits


def hutto_source(name: str, options: CorpusOptions) -> tuple[Source, str]:
    """Make a source of movies, products, tweets or editorials, fetching the archive of all four where it is missing."""
    archive = fetch(HUTTO)[HUTTO_ARCHIVE]

    def records(split: Split) -> Iterator[Record]:
        with tarfile.open(archive) as tar:
            file = tar.extractfile(f"hutto_ICWSM_2014/{HUTTO_FILES[name]}")
            assert file is not None, "the archive's hash was verified"
            lines = file.read().decode("utf-8").split("\r\n")
        yield from parse_hutto(line for line in lines if line)[split]

    parts: dict[Split, list[Part]] = {
        split: [Part(HUTTO_FILES[name], partial(records, split))] for split in ("train", "val", "test")
    }
    return Source(name, f"{HUTTO.sha256} {name}", parts, renamed=POLARITY), "text"


# --- corpora of the Hugging Face hub that everyone measures on --------------------------------------------------------


def hub_corpus(name: str, options: CorpusOptions) -> tuple[Source, str]:
    """Make a source of imdb or sst2, from a local copy in $SENTIMENT_CORPORA/NAME or from the hub.

    IMDB: Maas et al. (2011); val is carved out of train. SST-2: Socher et al. (2013), as in GLUE, whose test split has
    no labels: its validation split is our test, and val is carved out of train by whole sentences.
    """
    column = {"imdb": "text", "sst2": "sentence"}[name]
    local = Path(os.environ.get("SENTIMENT_CORPORA", "")) / name
    if os.environ.get("SENTIMENT_CORPORA") and local.is_dir():
        source = folder_source(name, local, options)
    else:
        source = hub_source(f"stanfordnlp/{name}")
    parts = dict(source.parts)
    if name == "sst2":
        parts = {"train": parts["train"], "test": parts["val"]}
    names = POLARITY | HUB_POLARITY
    return replace(source, name=name, parts=parts, renamed=names, phrases=name == "sst2"), column


HUB_POLARITY = {"neg": "negative", "pos": "positive"}

BUILT_IN: dict[str, Callable[[str, CorpusOptions], tuple[Source, str]]] = {
    **dict.fromkeys(HUTTO_FILES, hutto_source),
    **dict.fromkeys(("imdb", "sst2"), hub_corpus),
}
