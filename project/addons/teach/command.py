"""``sentiment teach``: lets fine-tuned transformers, or trained checkpoints, label what a student is trained on.

The student's corpus is a folder: train with the teacher's probabilities, further texts with them alone, val and test as
they are. R. Tang et al. 2019, *Distilling Task-Specific Knowledge from BERT into Simple Neural Networks*.
"""

import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from lightning import seed_everything
from numpy.typing import NDArray

from project.addons.teach import MINILM_NAME
from project.addons.teach.sentences import sentences
from project.addons.teach.trained import TrainedTeacher
from project.atomic import check_new, write_json
from project.configuration import corpus_parser, refuse_idle
from project.corpora import find_source, load_corpus
from project.errors import UserError
from project.ingest.held_out import texts_of, unseen_texts
from project.ingest.output import Row, shares_of, write_rows
from project.ingest.store import Corpus, Example, Split
from project.runtime import ignore_idle_warnings, prepare_process

FINE_TUNING = ("epochs", "learning_rate", "batch_size", "max_length")  # options that a trained checkpoint ignores


class Teacher(Protocol):
    """What has an opinion on texts."""

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the probability of each class, (texts, C)."""


class Teachers:
    """Several teachers as one: the mean of their probabilities (Hinton et al. 2015).

    Args:
        members: One or more.
    """

    def __init__(self, members: Sequence[Teacher]) -> None:
        self.members = members

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the mean probability of each class, (texts, C)."""
        found: NDArray[np.float32] = np.mean([member.probabilities(texts) for member in self.members], axis=0)
        return found


def run() -> None:
    """Write the folder that the command line asks for.

    Raises:
        UserError: The corpus, the further texts or the teacher cannot be used, or the folder cannot be written.
    """
    arguments = parse(sys.argv[2:])
    check_new(arguments.output, "folder")
    seed_everything(arguments.seed_everything, verbose=False)
    own = load_corpus(arguments.data.corpus_name, arguments.data.options)
    texts, labels = map(list, zip(*own.split("train"), strict=True))
    further = further_texts(own, arguments) if arguments.texts else []
    began = time.perf_counter()
    teacher = make_teachers(own, texts, labels, arguments)
    facts = {"command": sys.argv[1:], "corpus": own.name, "fingerprint": own.fingerprint, "further_texts": len(further)}
    for split in ("val", "test"):
        if split in own.splits:
            facts[f"{split}/accuracy"] = accuracy(teacher, own.splits[split])
            print(f"the teacher's accuracy on {split}: {facts[f'{split}/accuracy']:.3f}", flush=True)
    print(f"labelling {len(texts) + len(further):,} texts", flush=True)
    probabilities = teacher.probabilities(texts + further)
    facts["seconds"] = time.perf_counter() - began
    write(arguments.output, own, further, probabilities, facts)
    print(f"written: {arguments.output}; for a student: --data.corpus={arguments.output} --data.soft_labels=true")


def parse(words: list[str]) -> Any:
    """Read the options, and the configuration as `fit` does.

    Raises:
        UserError: They cannot be read.
    """
    parser = corpus_parser("teach", str(__doc__))
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    parser.add_argument("--texts", type=str | None, default=None, help="corpus whose texts are labelled too")
    parser.add_argument("--sentences", type=bool, default=False, help="whether to cut them into sentences")
    parser.add_argument("--most", type=int, default=200_000, help="how many of them at most, drawn at random")
    parser.add_argument(
        "--teacher",
        type=str,
        nargs="+",
        default=[MINILM_NAME],
        help=f"one or more: {MINILM_NAME}, a folder, a model of the Hugging Face hub, a .ckpt file of fit or ensemble",
    )
    parser.add_argument("--epochs", type=int, default=2, help="how often the teacher reads train")
    parser.add_argument("--learning_rate", type=float, default=1e-4, help="the teacher's highest")
    parser.add_argument("--batch_size", type=int, default=32, help="the teacher's texts per step")
    parser.add_argument("--max_length", type=int, default=128, help="word pieces of a text that the teacher reads")
    arguments = parser.instantiate_classes(parser.parse_args(words))
    for name in ("most", "epochs", "batch_size", "max_length"):
        if arguments[name] < 1:
            raise UserError(f"{name} is {arguments[name]}: set --{name}=1 or more")
    return arguments


def make_teachers(own: Corpus, texts: Sequence[str], labels: Sequence[int], arguments: Any) -> Teachers:
    """Return the teachers, those that are no checkpoint fine-tuned on train, `texts` and `labels`.

    Raises:
        UserError: One cannot be loaded, or is a checkpoint of another corpus.
    """
    ignore_idle_warnings()
    prepare_process()
    checkpoints = [name for name in arguments.teacher if name.endswith(".ckpt")]
    others = [name for name in arguments.teacher if name not in checkpoints]
    if not others:
        refuse_idle([f"--{name}" for name in FINE_TUNING], "checkpoint")
    members: list[Teacher] = [TrainedTeacher(Path(name), own) for name in checkpoints]  # a mistake shows at once
    return Teachers(members + [fine_tuned(name, own, texts, labels, arguments) for name in others])


def fine_tuned(name: str, own: Corpus, texts: Sequence[str], labels: Sequence[int], arguments: Any) -> Teacher:
    """Return a transformer that has read `texts` and `labels`.

    Raises:
        UserError: It cannot be loaded.
    """
    from project.addons.teach.transformer import Transformer  # imported here: a checkpoint needs no transformers

    teacher = Transformer(name, len(own.label_names), arguments.max_length)
    print(f"fine-tuning {name} on {len(texts):,} texts", flush=True)
    teacher.fine_tune(texts, labels, arguments.epochs, arguments.learning_rate, arguments.batch_size)
    return teacher


def further_texts(own: Corpus, arguments: Any) -> list[str]:
    """Return texts of a corpus's train and unlabelled part, each once; none of val and test of `own`.

    Of `own` itself, train has its labels already: there it is the unlabelled part alone.

    Raises:
        UserError: That corpus cannot be used, or holds no such text.
    """
    options = arguments.data.options
    source, column = find_source(arguments.texts, options)
    train = source.parts.get("train", []) if source.key != own.source.key else []
    parts, column = [*train, *source.unlabelled], column or options.text_column

    def candidates() -> Iterator[str]:
        for text in texts_of(parts, column):
            yield from sentences(text) if arguments.sentences else [text]

    print(f"collecting texts of {source.name}", flush=True)
    found = sorted(set(unseen_texts(own, candidates, own.source.phrases or source.phrases)))
    if not found:
        raise UserError(f"corpus {source.name} has no text in its column {column!r} that could be labelled")
    return random.Random(arguments.seed_everything).sample(found, min(arguments.most, len(found)))


def accuracy(teacher: Teacher, split: Sequence[Example]) -> float:
    """Return the teacher's accuracy on the examples of a split."""
    texts, labels = map(list, zip(*split, strict=True))
    return float((teacher.probabilities(texts).argmax(1) == np.array(labels)).mean())


def write(
    folder: Path, own: Corpus, further: Sequence[str], probabilities: NDArray[np.float32], facts: dict[str, Any]
) -> None:
    """Write the student's corpus, whole or not at all: a CSV file for each split, and `facts` as teacher.json.

    Args:
        folder: Its place.
        own: The teacher's corpus.
        further: Texts that join train without a label.
        probabilities: Of train's texts, then of `further`, (texts, C).
        facts: What is known of the teacher.

    Raises:
        UserError: It cannot be written.
    """
    try:
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.absolute().parent) as scratch:
            made = Path(scratch) / "made"
            made.mkdir()
            write_rows(made / "train.csv", ".csv", train_rows(own, further, probabilities), {})
            for split in own.splits.keys() - {"train"}:
                write_rows(made / f"{split}.csv", ".csv", labelled_rows(own, split), {})
            write_json(made / "teacher.json", facts)
            made.rename(folder)
    except OSError as error:
        raise UserError(f"cannot write {folder}: {error.strerror or error}") from error


def labelled_rows(own: Corpus, split: Split) -> Iterator[Row]:
    """Yield the texts of a split with their labels."""
    for text, label in own.splits[split]:
        yield {"text": text, "label": own.label_names[label]}


def train_rows(own: Corpus, further: Sequence[str], probabilities: NDArray[np.float32]) -> Iterator[Row]:
    """Yield the texts of train, then `further` ones, with the teacher's probabilities; see `write`."""
    rows = [*labelled_rows(own, "train"), *({"text": text, "label": None} for text in further)]
    for row, taught in zip(rows, probabilities.tolist(), strict=True):
        yield row | shares_of(own.label_names, taught)
