"""A corpus and a number of labels -> a folder with train, val, test and unlabelled texts, fixed by the draw's number.

The labels are all that a user of the draw has: a fifth of them are val. The unlabelled texts are others of the corpus's
train, without their labels. The test split is the corpus's own, at most 2,000 texts of it, which are the same in
every draw; in a development draw it is texts of train instead, so that a choice made on it has not seen a test text.
"""

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from sklearn.model_selection import train_test_split

from project.corpora import load_corpus
from project.ingest import Corpus, Row, shares_of, unseen_texts, write_rows
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
    if (folder / draw.path / "facts.json").exists():
        return folder / draw.path
    corpus = load_corpus(draw.corpus)
    rows = {row["text"]: row for row in labelled(corpus)}
    texts = sorted(unseen_texts(corpus, lambda: whole(corpus, list(rows)), bool(corpus.source.carve_phrases)))
    chosen, rest = split(rows, texts, draw.labels, draw.number)
    train, val = split(rows, chosen, round((1 - VAL_SHARE) * draw.labels), draw.number)
    rest = random.Random(draw.number).sample(rest, len(rest))
    test = test_rows(corpus)
    if draw.number > DEVELOPMENT:
        test, rest = [rows[text] for text in rest[:DEVELOPMENT_TEST]], rest[DEVELOPMENT_TEST:]
    further = rest[:MOST_UNLABELLED]
    plain = {name: [{key: row[key] for key in ("text", "label")} for row in part] for name, part in
             {"val": [rows[text] for text in val], "test": test}.items()}  # fmt: skip
    parts: dict[str, list[Row]] = {"train": [rows[text] for text in train], **plain}
    parts["unlabelled"] = [{"text": text} for text in further]
    (folder / draw.path).mkdir(parents=True, exist_ok=True)
    for name, part in parts.items():
        write_rows(folder / draw.path / f"{name}.csv", iter(part), {})
    facts = {name: len(part) for name, part in parts.items()}
    (folder / draw.path / "facts.json").write_text(json.dumps(facts), encoding="utf-8")  # last: the draw is complete
    return folder / draw.path


def labelled(corpus: Corpus) -> Iterator[Row]:
    """Yield the rows of train, with the shares of its raters where the corpus has them."""
    shares = corpus.soft_targets
    for number, (text, label) in enumerate(corpus.split("train")):
        row: Row = {"text": text, "label": corpus.label_names[label]}
        yield row if shares is None else row | shares_of(corpus.label_names, shares[number].tolist())


def test_rows(corpus: Corpus) -> list[Row]:
    """Return the rows of the test split, or as many of them as are used."""
    rows: list[Row] = [{"text": text, "label": corpus.label_names[label]} for text, label in corpus.split("test")]
    return rows if len(rows) <= MOST_TEST else random.Random(0).sample(rows, MOST_TEST)


def whole(corpus: Corpus, texts: Sequence[str]) -> list[str]:
    """Return the texts that are no phrase of another one, of a corpus of phrases; all of another corpus."""
    if corpus.source.carve_phrases is None:
        return list(texts)
    plain = {text: " ".join(text.split()) for text in texts}
    index, inside, found = PhraseIndex(plain.values()), set[int](), []
    for text in sorted(texts, key=lambda text: -len(text.split())):
        if hash(plain[text]) not in inside:
            found.append(text)
            inside |= index.inside(plain[text])
    return found


def split(rows: dict[str, Row], texts: Sequence[str], size: int, seed: int) -> tuple[list[str], list[str]]:
    """Draw `size` of the texts, with the shares of the classes that they all have; return them and the rest."""
    labels = [rows[text]["label"] for text in texts]
    chosen, rest = train_test_split(list(texts), train_size=size, stratify=labels, random_state=seed)
    return chosen, rest
