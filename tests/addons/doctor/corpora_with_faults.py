"""Files without a fault, and files into which faults were planted, each in a line that is known."""

import csv
import random
import re
from pathlib import Path
from typing import Any

from project.addons.doctor.command import look
from project.addons.doctor.words import UNCUT, prepared
from project.datamodule import SentimentDataModule

WORDS = re.findall(
    r"\w+",
    """
    river stone garden window letter summer winter kitchen bridge mountain doctor teacher village market harbour
    paper silver yellow gentle clever narrow hollow bitter sudden quiet heavy simple distant broken early frozen modern
    walks sings carries opens follows forgets paints gathers repairs borrows answers measures crosses welcomes listens
    slowly never always often gladly rarely between behind under beyond without toward during against beside because
    morning evening island forest tower castle basket candle pocket mirror ladder hammer needle button carpet blanket
    farmer sailor painter baker singer driver keeper writer uncle sister cousin neighbour stranger captain soldier
    """,
)


def sentences(count: int, seed: int = 0, words: int = 12) -> list[str]:
    chosen = random.Random(seed)
    return [" ".join(chosen.sample(WORDS, words)) + "." for _ in range(count)]


def rows(count: int, seed: int = 0) -> list[list[str]]:
    return [[text, ("good", "bad")[number % 2]] for number, text in enumerate(sentences(count, seed))]


def write(path: Path, table: list[list[str]], head: tuple[str, ...] = ("text", "label")) -> Path:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *table])
    return path


def examine(path: Path, against: str | None = None, **options: Any) -> dict[str, Any]:
    """Return what the command finds in a corpus."""
    data = SentimentDataModule(**({"corpus": str(path), "vectors": None} | options))
    settings = {**data.hparams}
    looked, found = prepared({**settings, "bad_rows": "skip", "max_length": UNCUT})
    return look(looked, found, settings, against)


def changed(text: str, *places: int) -> str:
    """Return `text` with other words at these places."""
    words = text.split()
    for place in places:
        words[place] = "lantern"
    return " ".join(words)
