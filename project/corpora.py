"""A name, file or folder -> a corpus: labelled texts of train, val and test. Add your own names to `CORPORA`."""

import json
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from project import ingest
from project.atomic import code_digest
from project.errors import UserError
from project.ingest import Corpus, Part, ReadOptions, Record, Source, Split
from project.registry import find, load, registered
from project.text import text_fault

OWNED = "OWNER/NAME"  # the entry of CORPORA for names like stanfordnlp/imdb


def load_corpus(
    name: str,
    options: ReadOptions | None = None,
    known_labels: Sequence[str] | None = None,
    labelled: bool = True,
    whole: Split | None = None,
) -> Corpus:
    """Load a corpus, from the cache if it has been read before.

    Args:
        name: One of `CORPORA`, or of those of an add-on, a file or a folder.
        options: How rows become a corpus.
        known_labels: A checkpoint's labels: no others may occur.
        labelled: False to take every row as a text to predict; the corpus then has only a test split.
        whole: Which split a single file is, instead of train; nothing is carved out of it.

    Raises:
        UserError: There is no such corpus, it cannot be fetched or read, or its rows cannot be used.
    """
    options = options or ReadOptions()
    source = find_source(name, options)
    parts = source.parts
    if not labelled:
        parts = {"test": parts.get("test") or parts.get("train") or parts["val"]}
    elif whole is not None and list(parts) == ["train"]:
        parts = {whole: parts["train"]}
    known = tuple(known_labels) if known_labels is not None else None
    source = replace(source, parts=parts, known_labels=known, labelled=labelled)
    if options.labels != "one":
        checker = find("LABELS", options.labels, f"--data.labels={options.labels}", "one")
        source = replace(source, checker=checker, code=f"{source.code} {checker.code}")
    soft = source.soft_targets if options.soft_targets is None else options.soft_targets
    return ingest.open_corpus(source, replace(options, text_column=source.text_column, soft_targets=soft))


def options_of(checkpoint: Mapping[str, Any]) -> ReadOptions:
    """Return how the corpus of a checkpoint was read: other options would carve other splits."""
    return ReadOptions.among(checkpoint.get("datamodule_hyper_parameters", {}))


def find_source(name: str, options: ReadOptions) -> Source:
    """Return the source called `name`, with the column of texts that `options` choose, or else its own.

    Raises:
        UserError: There is none, or it cannot be fetched or read.
    """
    source = _named_source(name, options)
    column = source.text_column if options.text_column == ReadOptions.text_column else options.text_column
    code = code_digest([Path(__file__), Path(__file__).with_name("text.py")])
    return replace(source, text_column=column, text_fault=text_fault, code=code)


def _named_source(name: str, options: ReadOptions) -> Source:
    if name in CORPORA:
        return CORPORA[name](name)
    brought = registered("CORPORA")
    if name in brought:
        return load(brought[name])(name)  # type: ignore[no-any-return]
    path = Path(name).expanduser()
    if path.is_dir():
        return ingest.folder_source(name, path, options)
    if path.is_file():
        return ingest.file_source(name, path, options)
    if OWNED in brought and re.fullmatch(r"[\w.-]+/[\w.-]+", name) and not ingest.is_data_file(path):
        return load(brought[OWNED])(name)  # type: ignore[no-any-return]
    files = f"a file ({', '.join(ingest.SUFFIXES[:4])}, .gz) nor a folder"
    raise UserError(f"corpus {name!r} is neither {files}, nor one of {', '.join([*CORPORA, *brought])}")


# --- built-in corpora: human ratings of short texts -------------------------------------------------------------------

# C.J. Hutto and E. Gilbert (2014), VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text,
# ICWSM-14. The ratings are part of the authors' Python package, under the MIT licence.
HUTTO_ARCHIVE = "hutto_ICWSM_2014.tar.gz"
HUTTO_SHA256 = "d5bb07d87474b3eb8d30b4deccbc23f19d742a6c5718fbacc65485b70b95c5fa"
HUTTO = ingest.Distribution(
    requirement="vaderSentiment==3.3.2",
    sha256="5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
    kind="sdist",
    size="2 MB",
    members=(ingest.Member(f"vaderSentiment-3.3.2/additional_resources/{HUTTO_ARCHIVE}", HUTTO_SHA256),),
)

KINDS = {"movies": "movieReviewSnippets", "products": "amazonReviewSnippets", "tweets": "tweets"}
KINDS["editorials"] = "nytEditorialSnippets"
POLARITY = {"0": "negative", "1": "positive"}


def _split_of(row_id: str) -> Split:
    """Return the split of a row id: ``12``, or ``12_3`` for a sentence of review 12, whose sentences stay together."""
    last_digit = int(row_id.split("_")[0]) % 10
    return "val" if last_digit == 8 else "test" if last_digit == 9 else "train"


def parse_hutto(lines: Iterable[str], ratings: Iterable[str]) -> dict[Split, list[Record]]:
    """Parse lines of ``id TAB mean rating TAB text``, and ``id TAB mean TAB deviation TAB [ratings]``, into splits.

    A text is positive if the mean of its ratings (-4 to 4, 15 to 29 of them for a movie sentence) is above 0. An
    exactly neutral mean (37 of 10,605 movie sentences) is therefore negative: dropping those rows would make the test
    figures easier and incomparable. The soft targets of train are the share of raters who found a text positive; half
    of the neutral ones count. A text that is also in val or test is left out of train.
    """
    single = {row_id: json.loads(values) for row_id, *_, values in (line.split("\t") for line in ratings)}
    splits: dict[Split, list[Record]] = {"train": [], "val": [], "test": []}
    for number, line in enumerate(lines, start=1):
        row_id, rating, text = line.split("\t")
        columns = {"text": text, "label": int(float(rating) > 0)}
        share = fmean((value > 0) + (value == 0) / 2 for value in single[row_id])
        shares = {"p_0": 1 - share, "p_1": share} if _split_of(row_id) == "train" else {}
        splits[_split_of(row_id)].append(Record(number, columns | shares))
    held_out = {record.columns["text"] for record in splits["val"] + splits["test"]}
    splits["train"] = [record for record in splits["train"] if record.columns["text"] not in held_out]
    return splits


def hutto_source(name: str) -> Source:
    """Return movies, products, tweets or editorials, fetching the archive of all four if the cache has none."""
    archive = ingest.fetch(HUTTO)[HUTTO_ARCHIVE]
    members = [f"{KINDS[name]}_{table}.txt" for table in ("GroundTruth", "anonDataRatings")]

    def records(split: Split) -> Iterator[Record]:
        with tarfile.open(archive) as tar:
            files = [tar.extractfile(f"hutto_ICWSM_2014/{member}").read() for member in members]  # type: ignore[union-attr]
        lines, ratings = (filter(None, file.decode("utf-8-sig").split("\r\n")) for file in files)
        yield from parse_hutto(lines, ratings)[split]

    parts = {split: [Part(members[0], partial(records, split))] for split in ingest.SPLITS}
    return Source(name, f"{HUTTO.sha256} {name}", parts, renamed=POLARITY, soft_targets=True)


CORPORA: dict[str, Callable[[str], Source]] = dict.fromkeys(KINDS, hutto_source)
