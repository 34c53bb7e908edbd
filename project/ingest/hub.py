"""A data set of the Hugging Face hub -> a source of rows, through the `datasets` library."""

import os
from collections.abc import Iterator
from functools import partial
from typing import Any

import requests

from project.errors import UserError
from project.ingest.records import Record
from project.ingest.store import Part, Source, Split

ENDPOINT = "https://huggingface.co"
PROBE_SECONDS = 4
SPLITS: dict[str, Split] = {
    "train": "train",
    "validation": "val",
    "valid": "val",
    "val": "val",
    "dev": "val",
    "test": "test",
}


def hub_source(name: str) -> Source:
    """Make a source of the data set with this id, such as ``stanfordnlp/imdb``.

    A data set that `datasets` has cached is read without the hub. A test split whose labels are all hidden (-1) is left
    out; of the other splits only one called unsupervised is used, for word vectors.

    Raises:
        UserError: The library is not installed, or the data set can be had neither from the hub nor from its cache.
    """
    endpoint = os.environ.get("HF_ENDPOINT", ENDPOINT)
    reachable = _answers(endpoint)
    if not reachable:
        os.environ["HF_HUB_OFFLINE"] = "1"  # read when the library is imported: its cache alone, and no retries
    try:
        import datasets
    except ImportError as error:
        raise UserError(f"corpus {name} is on the Hugging Face hub: pip install -e '.[hub]' reads it") from error
    try:
        loaded = datasets.load_dataset(name)
    except Exception as error:  # the library raises errors of many packages
        why = "does not answer" if not reachable else f"says: {str(error).splitlines()[0]}"
        raise UserError(
            f"corpus {name} cannot be had: {endpoint} {why}; give a local file or folder instead, a copy in "
            "$SENTIMENT_CORPORA (imdb, sst2), or a built-in corpus (movies, products, tweets, editorials)"
        ) from error
    return dataset_source(name, loaded)


def _answers(endpoint: str) -> bool:
    try:
        requests.head(endpoint, timeout=PROBE_SECONDS)
    except requests.RequestException:
        return False
    return True


def dataset_source(name: str, loaded: Any) -> Source:
    """Make a source of a `datasets.DatasetDict`."""
    parts: dict[Split, list[Part]] = {}
    unlabelled: list[Part] = []
    names: dict[str, str] = {}
    key = [name]
    for split, data in loaded.items():
        label = data.features.get("label")
        hidden = hasattr(label, "names") and len(data) and set(data["label"]) == {-1}
        if split in SPLITS and not hidden:
            parts.setdefault(SPLITS[split], []).append(Part(f"{name}[{split}]", partial(_records, data)))
            names |= {str(number): text for number, text in enumerate(getattr(label, "names", []))}
            key.append(f"{split} {data._fingerprint}")
        elif split == "unsupervised":
            unlabelled.append(Part(f"{name}[{split}]", partial(_records, data)))
            key.append(f"{split} {data._fingerprint}")
    return Source(name, " ".join(key), parts, renamed=names, unlabelled=unlabelled)


def _records(data: Any) -> Iterator[Record]:
    for line, columns in enumerate(data, start=1):
        yield Record(line, columns)
