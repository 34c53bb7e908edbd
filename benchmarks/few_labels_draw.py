# needs project/addons/teach project/addons/baselines
"""A corpus and a number of labels -> a folder with train, val, test and unlabelled texts, fixed by the draw's number.

The labels are all that a user of the draw has: a fifth of them are val. The unlabelled texts are others of the corpus's
train, without their labels. The test split is the corpus's own, at most 2,000 texts of it, which are the same in
every draw; in a development draw it is texts of train instead, so that a choice made on it has not seen a test text.
"""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from sklearn.model_selection import train_test_split

from project.atomic import write_json
from project.corpora import load_corpus
from project.ingest import Corpus, Row, Split, shares_of, unseen_texts, write_rows
from project.ingest.phrases import PhraseIndex

VAL_SHARE = 0.2  # of the labels
MOST_UNLABELLED, MOST_TEST, DEVELOPMENT_TEST = 2_000, 2_000, 1_000  # texts
DEVELOPMENT = 100  # draws above this number are development draws


class Draw(NamedTuple):
    """Which texts."""

    corpus: str
    labels: int  # train and val together
    number: int  # from 1

    @property
    def path(self) -> str:
        """Its folder, below that of all draws."""
        return f"{self.corpus}-{self.labels}-{self.number}"


def write_draw(draw: Draw, folder: Path) -> Path:
    """Write the draw's folder into `folder`, unless it is there; return it."""
    own = folder / draw.path
    if (own / "facts.json").exists():
        return own
    parts = parts_of(draw, load_corpus(draw.corpus))
    own.mkdir(parents=True, exist_ok=True)
    for name, rows in parts.items():
        write_rows(own / f"{name}.csv", iter(rows), {})
    write_json(own / "facts.json", {name: len(rows) for name, rows in parts.items()})  # last: the draw is complete
    return own


def parts_of(draw: Draw, corpus: Corpus) -> dict[str, list[Row]]:
    """Return the rows of each file of a draw."""
    rows = {row["text"]: row for row in labelled(corpus)}
    texts = sorted(unseen_texts(corpus, lambda: whole(corpus, list(rows)), bool(corpus.source.carve_phrases)))
    chosen, rest = split(rows, texts, draw.labels, draw.number)
    train, val = split(rows, chosen, round((1 - VAL_SHARE) * draw.labels), draw.number)
    rest = random.Random(draw.number).sample(rest, len(rest))
    test = test_rows(corpus)
    if draw.number > DEVELOPMENT:
        test, rest = [plain(rows[text]) for text in rest[:DEVELOPMENT_TEST]], rest[DEVELOPMENT_TEST:]
    return {
        "train": [rows[text] for text in train],
        "val": [plain(rows[text]) for text in val],
        "test": test,
        "unlabelled": [{"text": text} for text in rest[:MOST_UNLABELLED]],
    }


def plain(row: Row) -> Row:
    """Return a row without the shares of its raters, which val and test lack."""
    return {key: row[key] for key in ("text", "label")}


def rows_of(corpus: Corpus, split: Split) -> list[Row]:
    """Return the texts of a split and the names of their labels."""
    return [{"text": text, "label": corpus.label_names[label]} for text, label in corpus.splits[split]]


def labelled(corpus: Corpus) -> Iterator[Row]:
    """Yield the rows of train, with the shares of its raters if the corpus has them."""
    shares = corpus.soft_targets
    for number, row in enumerate(rows_of(corpus, "train")):
        yield row if shares is None else row | shares_of(corpus.label_names, shares[number].tolist())


def test_rows(corpus: Corpus) -> list[Row]:
    """Return the rows of the test split, or as many of them as are used."""
    rows = rows_of(corpus, "test")
    return rows if len(rows) <= MOST_TEST else random.Random(0).sample(rows, MOST_TEST)


def whole(corpus: Corpus, texts: Sequence[str]) -> list[str]:
    """Return the texts that are no phrase of another one, of a corpus of phrases; all of another corpus."""
    if corpus.source.carve_phrases is None:
        return list(texts)
    spaced = {text: " ".join(text.split()) for text in texts}
    index, inside, found = PhraseIndex(spaced.values()), set[int](), []
    for text in sorted(texts, key=lambda text: -len(text.split())):
        if hash(spaced[text]) not in inside:
            found.append(text)
            inside |= index.inside(spaced[text])
    return found


def split(rows: dict[str, Row], texts: Sequence[str], size: int, seed: int) -> tuple[list[str], list[str]]:
    """Draw `size` of the texts, with the shares of the classes that they all have; return them and the rest."""
    labels = [rows[text]["label"] for text in texts]
    chosen, rest = train_test_split(list(texts), train_size=size, stratify=labels, random_state=seed)
    return chosen, rest
