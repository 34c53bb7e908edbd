"""A corpus of our own whose texts have no label, one or two, and a model of it."""

import json
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from tests.conftest import NO_REPORT, PLAIN, run_sentiment

THINGS = {"food": "The soup was warm", "service": "The waiter was kind", "price": "It cost too much"}
ANY = ("--data.labels=any", "--data.label_column=labels")


def rows() -> list[dict[str, object]]:
    """120 reviews: of nothing, of one thing, or of two."""
    names = list(THINGS)
    sets = [(), *((a,) for a in names), *((a, b) for a in names for b in names if a < b)]
    return [
        {"text": f"Visit {number}. {' and '.join(THINGS[each] for each in own) or 'No words'}.", "labels": list(own)}
        for number, own in enumerate(sets[number % len(sets)] for number in range(120))
    ]


def write_jsonl(path: Path, records: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corpus, in three files; to be read only."""
    folder = tmp_path_factory.mktemp("multilabel") / "reviews"
    folder.mkdir()
    for number, split in enumerate(("train", "val", "test")):
        write_jsonl(
            folder / f"{split}.jsonl", [row for place, row in enumerate(rows()) if max(place % 4 - 1, 0) == number]
        )
    return folder


@pytest.fixture(scope="session")
def trained(reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a short fit; to be read only."""
    folder = tmp_path_factory.mktemp("multilabel_fit")
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()):
        patch.chdir(folder)
        words = (f"--data.corpus={reviews}", "--trainer.max_epochs=12", "--model.learning_rate=0.02")
        assert run_sentiment("fit", *words, *ANY, *PLAIN, *NO_REPORT) == 0
    return folder / "runs" / "version_0"


@pytest.fixture
def best(trained: Path, sentiment: Callable[..., int]) -> str:
    """Its checkpoint, in the empty folder of `sentiment`."""
    return str(trained / "checkpoints" / "best.ckpt")
