"""A corpus and a teacher, or a file of answers -> the student's corpus: a folder with the teacher's probabilities.

In train, labelled texts get the teacher's probabilities as well; further texts have only these. Val and test are copied
unchanged. R. Tang et al. 2019, *Distilling Task-Specific Knowledge from BERT into Simple Neural Networks*.
"""

import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from lightning import seed_everything as set_seed
from numpy.typing import NDArray

from project.addons.teach.answers import taught_by_answers
from project.addons.teach.sentences import sentences
from project.addons.teach.trained import TrainedTeacher
from project.atomic import write_json
from project.corpora import find_source, load_corpus
from project.datamodule import SentimentDataModule
from project.errors import UserError
from project.ingest import Corpus, Example, Row, Split, check_new, shares_of, texts_of, unseen_texts, write_rows

MINILM_NAME = "all-minilm-l6-v2"  # the transformer that is downloaded by default
LSA_NAME = "lsa"  # the teacher that learns from the texts alone
UNUSED = "unused_answers.csv"
FINE_TUNING = {"epochs": 2, "learning_rate": 1e-4, "batch_size": 32, "max_length": 128}  # for transformers alone


class Teacher(Protocol):
    """Anything that predicts class probabilities."""

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


def teach(
    data: SentimentDataModule,
    output: Path,
    teacher: list[str] = [],  # noqa: B006 # never modified
    answers: Path | None = None,
    answer_weight: float = 1.0,
    texts: str | None = None,
    sentences: bool = False,
    most: int = 200_000,
    epochs: int | None = None,
    learning_rate: float | None = None,
    batch_size: int | None = None,
    max_length: int | None = None,
    seed_everything: int = 42,
) -> None:
    """Label a student's training texts with fine-tuned transformers, with checkpoints or with a file of answers.

    Args:
        output: Folder to write, a corpus for --data.corpus with --data.soft_targets=true.
        teacher: One or more of all-minilm-l6-v2, lsa, a folder, a model of the Hugging Face hub, or a .ckpt file; their
            probabilities are averaged; all-minilm-l6-v2 by default. lsa knows nothing but the corpus and the further
            texts, and takes seconds.
        answers: File of a language model's answers, in place of a teacher; docs/teaching.md explains it.
        answer_weight: Weight of the answers against the labels that train has already, from 0 to 1.
        texts: Corpus with further texts to label.
        sentences: Whether to split these into sentences.
        most: Maximum number of these, drawn at random.
        epochs: Epochs of fine-tuning a transformer; 2 by default.
        learning_rate: Its peak learning rate; 0.0001 by default.
        batch_size: Its texts per step; 32 by default.
        max_length: Its maximum number of word pieces per text; 128 by default.
        seed_everything: Random seed.

    Raises:
        UserError: The corpus, the further texts or the teacher cannot be used, or the folder cannot be written.
    """
    given = {"epochs": epochs, "learning_rate": learning_rate, "batch_size": batch_size, "max_length": max_length}
    check_options(most, given, teacher)
    check_answers(answers, answer_weight, {"teacher": teacher, "texts": texts, "sentences": sentences, **given})
    check_labels(data)
    check_new(output, "folder, or remove it")
    set_seed(seed_everything, verbose=False)
    own = load_corpus(data.corpus_name, data.options)
    facts: dict[str, Any] = {"corpus": own.name, "fingerprint": own.fingerprint}
    if answers:
        further, probabilities, more, unused = taught_by_answers(own, answers, answer_weight)
        say_unused(unused, output)
    else:
        further = further_texts(own, data, texts, sentences, most, seed_everything) if texts else []
        tuning = {name: FINE_TUNING[name] if value is None else value for name, value in given.items()}
        (probabilities, more), unused = taught_by_teachers(own, further, teacher or [MINILM_NAME], tuning), []
    write(output, own, further, probabilities, facts | {"further_texts": len(further)} | more, unused)
    print(f"written: {output}; for a student: --data.corpus={output} --data.soft_targets=true")


def taught_by_teachers(
    own: Corpus, further: Sequence[str], names: Sequence[str], tuning: dict[str, Any]
) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """Return the probabilities of train's texts, then of `further`, (texts, C), and facts for teacher.json.

    Raises:
        UserError: A teacher cannot be used.
    """
    started = time.perf_counter()
    teachers = make_teachers(own, further, names, tuning)
    facts: dict[str, Any] = {}
    for split in ("val", "test"):
        if split in own.splits:
            facts[f"{split}/accuracy"] = accuracy(teachers, own.splits[split])
            print(f"the teacher's accuracy on {split}: {facts[f'{split}/accuracy']:.3f}", flush=True)
    texts = [*(example.text for example in own.split("train")), *further]
    print(f"labelling {len(texts):,} texts", flush=True)
    probabilities = teachers.probabilities(texts)
    return probabilities, facts | {"seconds": time.perf_counter() - started}


def check_options(most: int, given: dict[str, Any], teachers: Sequence[str]) -> None:
    """Check the options before anything is read.

    Raises:
        UserError: A number is too small, or an option has no effect.
    """
    for name, value in {"most": most, **given}.items():
        if value is not None and name != "learning_rate" and value < 1:
            raise UserError(f"{name} is {value}: set --{name}=1 or more")
    if teachers and all(name == LSA_NAME or name.endswith(".ckpt") for name in teachers):
        for name, value in given.items():
            if value is not None:
                raise UserError(f"--{name} has no effect: only transformers are fine-tuned; leave it out")


def check_answers(answers: Path | None, weight: float, others: dict[str, Any]) -> None:
    """Check the options of a file of answers; `others` have no effect together with it.

    Raises:
        UserError: The weight is not a share, or an option has no effect.
    """
    if not 0 <= weight <= 1:
        raise UserError(f"answer_weight is {weight:g}: set --answer_weight to a number from 0 to 1")
    if answers is None and weight != 1:
        raise UserError("--answer_weight has no effect without --answers; leave it out")
    for name, value in others.items():
        if answers is not None and value not in (None, False, []):
            raise UserError(f"--{name} has no effect with --answers: the answers alone are the teacher; leave it out")


def check_labels(data: SentimentDataModule) -> None:
    """Check that each text has one label: a teacher's probabilities add up to 1.

    Raises:
        UserError: It may have any number of them.
    """
    if data.options.labels != "one":
        raise UserError(
            f"--data.labels={data.options.labels}: a teacher needs exactly one label per text; "
            "to learn from the columns p_LABEL that `sentiment predict` writes, set --data.soft_targets=true"
        )


def make_teachers(own: Corpus, further: Sequence[str], names: Sequence[str], tuning: dict[str, Any]) -> Teachers:
    """Return the teachers; those that are not checkpoints are trained on train, `lsa` also on the `further` texts.

    Raises:
        UserError: One cannot be loaded, or is a checkpoint that was trained on another corpus.
    """
    texts, labels = map(list, zip(*own.split("train"), strict=True))
    checkpoints = [name for name in names if name.endswith(".ckpt")]
    members: list[Teacher] = [TrainedTeacher(Path(name), own) for name in checkpoints]  # first: mistakes show at once
    if LSA_NAME in names:
        from project.addons.teach.latent import LatentTeacher  # imported here: others need no scikit-learn

        members.append(LatentTeacher(texts, labels, further, len(own.label_names)))
    transformers = [name for name in names if name not in {*checkpoints, LSA_NAME}]
    members += [fine_tuned(name, own, texts, labels, tuning) for name in transformers]
    return Teachers(members)


def fine_tuned(name: str, own: Corpus, texts: Sequence[str], labels: Sequence[int], tuning: dict[str, Any]) -> Teacher:
    """Return a transformer that was fine-tuned on `texts` and `labels`.

    Raises:
        UserError: It cannot be loaded.
    """
    from project.addons.teach.transformer import Transformer  # imported here: a checkpoint needs no transformers

    transformer = Transformer(name, len(own.label_names), tuning["max_length"])
    print(f"fine-tuning {name} on {len(texts):,} texts", flush=True)
    transformer.fine_tune(texts, labels, tuning["epochs"], tuning["learning_rate"], tuning["batch_size"])
    return transformer


def further_texts(own: Corpus, data: SentimentDataModule, name: str, cut: bool, most: int, seed: int) -> list[str]:
    """Return the distinct texts of a corpus's train and unlabelled part, except those in val or test of `own`.

    If the corpus is `own` itself, only its unlabelled part is used, because its train texts are labelled anyway.

    Args:
        own: The teacher's corpus.
        data: Says how rows are read.
        name: The corpus to take texts from.
        cut: Whether to split them into sentences.
        most: Maximum number of texts, drawn at random.
        seed: Seed of the draw.

    Raises:
        UserError: The corpus cannot be used, or has no such text.
    """
    source = find_source(name, data.options)
    train = source.parts.get("train", []) if source.key != own.source.key else []
    parts, column = [*train, *source.unlabelled], source.text_column

    def candidates() -> Iterator[str]:
        for text in texts_of(parts, column, source.text_fault):
            yield from sentences(text) if cut else [text]

    print(f"collecting texts from {source.name}", flush=True)
    found = sorted(set(unseen_texts(own, candidates, bool(own.source.carve_phrases or source.carve_phrases))))
    if not found:
        raise UserError(f"corpus {source.name} has no text in its column {column!r} that could be labelled")
    return random.Random(seed).sample(found, min(most, len(found)))


def say_unused(unused: Sequence[Row], output: Path) -> None:
    """Print how many answers were not used, and where the list of them will be."""
    if unused:
        first = "{file}:{line}: {reason}".format(**unused[0])
        print(f"left out {len(unused):,} answers, the first at {first}; all are listed in {output / UNUSED}")


def accuracy(teacher: Teacher, split: Sequence[Example]) -> float:
    """Return the teacher's accuracy on the examples of a split."""
    texts, labels = map(list, zip(*split, strict=True))
    return float((teacher.probabilities(texts).argmax(1) == np.array(labels)).mean())


def write(
    folder: Path,
    own: Corpus,
    further: Sequence[str],
    probabilities: NDArray[np.float32],
    facts: dict[str, Any],
    unused: Sequence[Row] = (),
) -> None:
    """Write the student's corpus: a CSV file for each split, and `facts` as teacher.json.

    Args:
        folder: Folder to create.
        own: The teacher's corpus.
        further: Texts to add to train without a label.
        probabilities: Those of train's texts, then of `further`, (texts, C).
        facts: Content of teacher.json.
        unused: Rows of unused_answers.csv, if there are any.

    Raises:
        UserError: The folder cannot be written.
    """
    try:
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.absolute().parent) as scratch:
            made = Path(scratch) / "made"
            made.mkdir()
            write_rows(made / "train.csv", train_rows(own, further, probabilities), {})
            for split in own.splits.keys() - {"train"}:
                write_rows(made / f"{split}.csv", labelled_rows(own, split), {})
            if unused:
                write_rows(made / UNUSED, iter(unused), {})
            write_json(made / "teacher.json", facts)
            made.rename(folder)
    except OSError as error:
        raise UserError(f"cannot write {folder}: {error.strerror or error}") from error


def labelled_rows(own: Corpus, split: Split) -> Iterator[Row]:
    """Yield the texts of a split with their labels."""
    for text, label in own.splits[split]:
        yield {"text": text, "label": own.label_names[label]}


def train_rows(own: Corpus, further: Sequence[str], probabilities: NDArray[np.float32]) -> Iterator[Row]:
    """Yield the texts of train, then `further`, with the teacher's probabilities; see `write`."""
    rows = [*labelled_rows(own, "train"), *({"text": text, "label": None} for text in further)]
    for row, taught in zip(rows, probabilities.tolist(), strict=True):
        yield row | shares_of(own.label_names, taught)
