"""A data set of the Hugging Face hub as a source of rows, through the `datasets` library."""

import os
from functools import partial
from typing import Any

from project.errors import UserError
from project.ingest import Part, Record, Source
from project.ingest.source import SPLIT_NAMES, UNLABELLED, by_split

ENDPOINT = "https://huggingface.co"
PROBE_SECONDS = 4


def hub_source(name: str, instead: str = "give a local file or folder, or another corpus, instead") -> Source:
    """Return the data set with this id, such as ``stanfordnlp/imdb``.

    A data set that `datasets` has cached is read without the hub. A test split whose labels are all hidden (-1) is left
    out; of the other splits only one called unsupervised is used, as unlabelled texts.

    Args:
        name: Its id.
        instead: What the user can do if it cannot be read; ends the error message.

    Raises:
        UserError: The library is not installed, or neither the hub nor the library's cache has the data set.
    """
    import requests

    endpoint, fault = os.environ.get("HF_ENDPOINT", ENDPOINT), ""
    try:
        requests.head(endpoint, timeout=PROBE_SECONDS)
    except requests.RequestException:
        fault = "does not answer"
        os.environ["HF_HUB_OFFLINE"] = "1"  # read when the library is imported: its cache alone, and no retries
    try:
        import datasets
    except ImportError as error:
        raise UserError(f"corpus {name} is on the Hugging Face hub: pip install -e '.[hub]' reads it") from error
    try:
        loaded = datasets.load_dataset(name)
    except Exception as error:  # the library raises errors of many packages
        fault = fault or f"says: {(str(error).splitlines() or [repr(error)])[0]}"
        raise UserError(f"corpus {name} cannot be read: {endpoint} {fault}; {instead}") from error
    return dataset_source(name, loaded)


def dataset_source(name: str, loaded: Any) -> Source:
    """Return the splits of a `datasets.DatasetDict`."""
    named: list[tuple[str, Part]] = []
    renamed: dict[str, str] = {}
    key = [name]
    for split, data in loaded.items():
        names = getattr(data.features.get("label"), "names", [])
        if split in UNLABELLED or (split in SPLIT_NAMES and not (names and set(data["label"]) == {-1})):
            named.append((split, Part(f"{name}[{split}]", partial(map, Record, range(1, len(data) + 1), data))))
            renamed |= {str(number): text for number, text in enumerate(names)}
            key.append(f"{split} {data._fingerprint}")
    parts, unlabelled = by_split(named)
    return Source(name, " ".join(key), parts, renamed=renamed, unlabelled=unlabelled)
