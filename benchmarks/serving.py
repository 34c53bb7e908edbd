# needs project/export project/serve
"""How fast a trained model answers: checkpoint, bundle and int8 bundle against fastText and scikit-learn.

    make bench-serving   about 4 minutes; needs a run of `make train`; writes benchmarks/serving.json

Every rival is trained on the same split and is a process of its own; they take turns. Texts are raw: splitting into
tokens counts. "packed" is the checkpoint with torch's own kernel for packed sequences instead of this repository's.
"""

import argparse
import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles
from typing import Any, NamedTuple

from tqdm import tqdm

from benchmarks import report
from benchmarks.lengths import reviews
from benchmarks.worker import ROOT, Worker
from project.corpora import load_corpus
from project.ingest import Corpus
from project.text import basic_english

SENTIMENT = Path(sys.executable).parent / "sentiment"
TEXT = "A warm and funny film."
COLD = {
    "fastText": "import sys, fasttext; print(fasttext.load_model(sys.argv[1]).predict(sys.argv[2]))",
    "scikit-learn": "import sys, joblib; print(joblib.load(sys.argv[1]).predict(sys.argv[2:]))",
}
TURNS = 7
LENGTHS = (20, 100, 400)  # tokens of single texts


class Rival(NamedTuple):
    """A trained model and how it is used; see benchmarks/serving_rivals.py."""

    name: str
    way: str
    path: Path

    def cold_command(self) -> list[str]:
        """Return the command of a fresh process that prints one label."""
        if self.way in COLD:
            return [sys.executable, "-c", COLD[self.way], str(self.path), TEXT]
        return [str(SENTIMENT), "classify", "--ckpt_path", str(self.path), TEXT]

    def size_mb(self) -> float:
        """Return the size of all that a prediction needs."""
        files = self.path.iterdir() if self.path.is_dir() else [self.path]
        return sum(file.stat().st_size for file in files) / 1e6


def train_fasttext(corpus: Corpus, path: Path) -> None:
    """Train fastText with bigrams, small enough to be served."""
    import fasttext

    lines = path.with_suffix(".txt")
    lines.write_text(
        "\n".join(
            f"__label__{corpus.label_names[example.label]} {' '.join(basic_english(example.text))}"
            for example in corpus.split("train")
        ),
        encoding="utf-8",
    )
    model = fasttext.train_supervised(
        str(lines), lr=0.5, epoch=10, wordNgrams=2, dim=20, bucket=200_000, thread=2, verbose=0
    )
    model.save_model(str(path))


def train_sklearn(corpus: Corpus, path: Path) -> None:
    """Train TF-IDF of words and bigrams with logistic regression."""
    import joblib
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    pipeline = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2), LogisticRegression(C=10, max_iter=1000)
    )
    train = corpus.split("train")
    pipeline.fit([e.text for e in train], [corpus.label_names[e.label] for e in train])
    joblib.dump(pipeline, path)


def prepare(checkpoint: Path, corpus: Corpus, folder: Path) -> list[Rival]:
    """Export the bundles and train the others."""
    for name, options in (("bundle", []), ("bundle8", ["--int8"])):
        words = ["export", "--ckpt_path", checkpoint, "--output", folder / name, *options]
        subprocess.run([SENTIMENT, *map(str, words)], check=True, stdout=subprocess.DEVNULL)
    train_fasttext(corpus, folder / "model.bin")
    train_sklearn(corpus, folder / "model.joblib")
    return [
        Rival("bundle", "bundle", folder / "bundle"),
        Rival("bundle, int8", "bundle", folder / "bundle8"),
        Rival("checkpoint", "checkpoint", checkpoint),
        Rival("checkpoint, packed", "packed", checkpoint),
        Rival("fastText", "fastText", folder / "model.bin"),
        Rival("scikit-learn", "scikit-learn", folder / "model.joblib"),
    ]


def texts_of_lengths(corpus: Corpus, lengths: Sequence[int]) -> list[str]:
    """Return texts of so many tokens each, made of the test split's words in their order."""
    words: Iterator[str] = itertools.chain.from_iterable(
        basic_english(example.text) for example in itertools.cycle(corpus.split("test"))
    )
    return [" ".join(itertools.islice(words, length)) for length in lengths]


def cold_starts(rivals: Sequence[Rival], times: int = TURNS) -> list[list[float]]:
    """Return the seconds of fresh processes, from start to exit, page cache warm."""
    seconds: list[list[float]] = [[] for _ in rivals]
    for turn in tqdm(range(-1, times), desc="cold starts", leave=False):
        for rival, done in zip(rivals, seconds, strict=True):
            if rival.way == "packed":
                continue
            began = time.perf_counter()
            subprocess.run(rival.cold_command(), check=True, capture_output=True)
            if turn >= 0:
                done.append(time.perf_counter() - began)
    return seconds


def singles(workers: Sequence[Worker], text: str) -> list[list[float]]:
    """Return p50, p95 and p99 of each worker's milliseconds for one text at a time."""
    seconds: list[list[float]] = [[] for _ in workers]
    for _ in range(TURNS):
        for worker, done in zip(workers, seconds, strict=True):
            done += worker.ask(do="single", text=text, times=200)["seconds"][20:]
    return [[quantiles(done, n=100)[percent - 1] * 1e3 for percent in (50, 95, 99)] for done in seconds]


def batches(workers: Sequence[Worker], name: str, texts: Sequence[str]) -> list[tuple[float, list[str]]]:
    """Return each worker's texts per second, the median of the turns, and its labels."""
    rates: list[list[float]] = [[] for _ in workers]
    labels: list[list[str]] = [[] for _ in workers]
    for turn in tqdm(range(-1, TURNS), desc=f"batches, {name}", leave=False):
        for place, worker in enumerate(workers):
            answer = worker.ask(do="batch", texts=texts)
            labels[place] = answer["labels"]
            if turn >= 0:
                rates[place].append(len(texts) / answer["seconds"])
    return [(median(done), said) for done, said in zip(rates, labels, strict=True)]


def measure(rivals: Sequence[Rival], corpus: Corpus) -> dict[str, dict[str, Any]]:
    """Time everything; return the figures of each rival."""
    figures: dict[str, dict[str, Any]] = {rival.name: {"size_mb": rival.size_mb()} for rival in rivals}
    for own, times in zip(figures.values(), cold_starts(rivals), strict=True):
        if times:
            own |= {"cold_s": median(times), "cold_min_s": min(times)}
    test = list(corpus.split("test"))
    true = [corpus.label_names[example.label] for example in test]
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker("benchmarks.serving_rivals", r.way, str(r.path))) for r in rivals]
        for own, worker in zip(figures.values(), workers, strict=True):
            own["resident_mb"] = worker.hello["resident_mb"]
        for length in tqdm(LENGTHS, desc="single texts", leave=False):
            (text,) = texts_of_lengths(corpus, [length])
            for own, found in zip(figures.values(), singles(workers, text), strict=True):
                own[f"one_of_{length}_ms"] = found
        for own, (rate, said) in zip(
            figures.values(), batches(workers, "movies", [example.text for example in test]), strict=True
        ):
            right = sum(a == b for a, b in zip(said, true, strict=True))
            own |= {"movies_texts_per_s": rate, "accuracy": right / len(true)}
        for own, (rate, _) in zip(
            figures.values(), batches(workers, "imdb", texts_of_lengths(corpus, reviews(512, 256))), strict=True
        ):
            own["imdb_texts_per_s"] = rate
    return figures


def show(figures: dict[str, dict[str, Any]]) -> None:
    """Print the table."""
    head = ["rival", "cold start", *(f"{n} tokens, p50 / p95 / p99, ms" for n in LENGTHS)]
    rows = [
        [name, report.seconds(f["cold_s"]) if "cold_s" in f else "", *percentiles(f)] for name, f in figures.items()
    ]
    report.show("To the first answer, and one text at a time", head, rows)
    head = ["rival", "movies, texts/s", "IMDB's lengths, texts/s", "resident, MB", "size, MB", "accuracy"]
    report.show(
        "Many texts at once, memory, accuracy on movies",
        head,
        [
            (
                name,
                *(f"{f[key]:,.0f}" for key in ("movies_texts_per_s", "imdb_texts_per_s", "resident_mb")),
                f"{f['size_mb']:.1f}",
                f"{f['accuracy']:.1%}",
            )
            for name, f in figures.items()
        ],
    )


def percentiles(figures: dict[str, Any]) -> list[str]:
    """Format the percentiles of single texts."""
    return [" / ".join(f"{ms:.2f}" for ms in figures[f"one_of_{length}_ms"]) for length in LENGTHS]


def newest_checkpoint() -> Path:
    """Return the best checkpoint of the newest run."""
    found = sorted(ROOT.glob("runs/*/checkpoints/best.ckpt"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise SystemExit("error: there is no checkpoint in runs/: `make train` writes one")
    return found[-1]


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ckpt_path", type=Path, help="trained on movies (default: the newest run's best)")
    checkpoint = parser.parse_args().ckpt_path or newest_checkpoint()
    corpus = load_corpus("movies")
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(prepare(checkpoint, corpus, Path(folder)), corpus)
    show(figures)
    report.save(ROOT / "benchmarks" / "serving.json", {"rivals": figures})


if __name__ == "__main__":
    main()
