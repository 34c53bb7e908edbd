# needs project/export project/serve
"""One way to classify texts as a process of its own; `benchmarks.serving` starts it, sends tasks and reads figures.

    python -m benchmarks.serving_rivals WAY PATH

checkpoint   this repository, torch
packed       the same, with torch's own packed kernel instead of this repository's
bundle       this repository, onnxruntime; float32 or int8
fastText     a model file of fastText
scikit-learn TF-IDF and logistic regression, a joblib file
"""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.worker import serve

Classify = Callable[[Sequence[str]], list[str]]


def of_checkpoint(path: str) -> Classify:
    """Classify with a checkpoint, as `sentiment classify` does."""
    from project import load, process

    process.prepare()
    classify = load(path)
    return lambda texts: [prediction.label for prediction in classify(texts, batch_size=64)]


def of_packed(path: str) -> Classify:
    """Classify with a checkpoint and torch's own kernel for packed sequences, all threads."""
    from project.checkpoint import read_checkpoint, restore
    from project.predict import predictor_of

    network, tokenizer, decision, _ = restore(read_checkpoint(path), path)
    network.get_submodule("encoder.rnn").path = "packed"  # type: ignore[assignment]
    classify = predictor_of(network, tokenizer, decision)
    return lambda texts: [prediction.label for prediction in classify(texts, batch_size=64)]


def of_bundle(path: str) -> Classify:
    """Classify with a bundle."""
    from project import load

    classify = load(path)
    return lambda texts: [prediction.label for prediction in classify(texts)]


def of_fasttext(path: str) -> Classify:
    """Classify with fastText, after the same splitting into tokens."""
    import fasttext

    from project.text import basic_english

    model = fasttext.load_model(path)
    return lambda texts: [
        labels[0].removeprefix("__label__") for labels in model.predict([" ".join(basic_english(t)) for t in texts])[0]
    ]


def of_sklearn(path: str) -> Classify:
    """Classify with a scikit-learn pipeline."""
    import joblib

    pipeline = joblib.load(path)
    return lambda texts: [str(label) for label in pipeline.predict(texts)]


WAYS: dict[str, Callable[[str], Classify]] = {
    "checkpoint": of_checkpoint,
    "packed": of_packed,
    "bundle": of_bundle,
    "fastText": of_fasttext,
    "scikit-learn": of_sklearn,
}


def resident_mb() -> float:
    """Return the memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def answer(task: dict[str, Any], classify: Classify) -> dict[str, Any]:
    """Classify one text `times` times, or all of them once; return seconds, and the labels of all."""
    if task["do"] == "single":
        seconds = []
        for _ in range(task["times"]):
            began = time.perf_counter()
            classify([task["text"]])
            seconds.append(time.perf_counter() - began)
        return {"seconds": seconds}
    began = time.perf_counter()
    labels = classify(task["texts"])
    return {"seconds": time.perf_counter() - began, "labels": labels}


def main() -> None:
    """Load, classify one text, then answer tasks."""
    way, path = sys.argv[1:]
    classify = WAYS[way](path)
    classify(["A warm and funny film."])
    serve({"resident_mb": resident_mb()}, lambda task: answer(task, classify))


if __name__ == "__main__":
    main()
