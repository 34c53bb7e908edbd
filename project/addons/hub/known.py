"""Corpora of the Hugging Face hub that everyone measures on, under short names."""

import os
from dataclasses import replace
from pathlib import Path

from project.addons.hub.data_sets import hub_source
from project.addons.hub.sentences import carve_phrases
from project.atomic import code_digest
from project.corpora import POLARITY
from project.ingest import Part, Source, Split, folder_source


def known_corpus(name: str) -> Source:
    """Return imdb or sst2, from a local copy in $SENTIMENT_CORPORA/NAME or from the hub.

    IMDB: Maas et al. (2011); val is carved out of train. SST-2: Socher et al. (2013), as in GLUE, whose test split has
    no labels: its validation split is our test, and val is carved out of train by whole sentences.
    """
    folder = os.environ.get("SENTIMENT_CORPORA")
    if folder and (Path(folder) / name).is_dir():
        source = folder_source(name, Path(folder) / name)
    else:
        source = hub_source(f"stanfordnlp/{name}", "put a copy of it in $SENTIMENT_CORPORA")
    source = replace(source, name=name, renamed=POLARITY | {"neg": "negative", "pos": "positive"})
    if name == "imdb":
        return source
    parts: dict[Split, list[Part]] = {"train": source.parts["train"], "test": source.parts["val"]}
    key = source.key + code_digest([Path(__file__).with_name("sentences.py")])
    return replace(source, key=key, parts=parts, carve_phrases=carve_phrases, text_column="sentence")
