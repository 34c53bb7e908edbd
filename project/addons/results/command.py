"""Files that runs and baselines wrote -> one page of tables, with means, spread and confidence intervals."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
from numpy.typing import NDArray

from project.atomic import atomic_write
from project.errors import UserError
from project.ingest import check_new

DRAWS = 10_000  # bootstrap samples
SEED = re.compile(r" ?--seed_everything[= ]\d+")

Run = dict[str, Any]


def results(runs: Path = Path("runs"), output: Path = Path("results.md"), overwrite: bool = False) -> None:
    """Collect the results of runs and baselines into one page of tables.

    Args:
        runs: Folder that holds the runs.
        output: Markdown file to write.
        overwrite: Whether an existing file is replaced.

    Raises:
        UserError: No run has been tested yet.
    """
    check_new(output, "file, or add --overwrite", overwrite)
    found = read(runs.glob("*/results.json"), "metrics")
    if not found:
        raise UserError(f"{runs} has no results.json: `make train` writes one")
    baselines = read((runs / "baselines").glob("*.json"), "baselines")
    page = "\n".join([HEAD, *sections([run for run in found if counts(run)], baselines)])
    with atomic_write(output) as scratch:
        scratch.write_text(page, encoding="utf-8")
    print(f"{len(found)} runs and {len(baselines)} baseline files in {output}")


HEAD = """# Results

Written by `sentiment results` from the result files of the runs. Accuracy and macro F1 are measured on the test
split: mean and standard deviation over the seeds. The last column is the difference in accuracy from the baseline that
is best on val, on the same texts, with the 95 % confidence interval of a paired bootstrap: the model is better if the
interval lies above zero.
"""


def read(paths: Iterable[Path], key: str) -> list[Run]:
    """Return the content of the files that have `key` and the other keys that the page needs."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(paths)]
    needed = {key, "test_fingerprint", *(["right", "stage"] if key == "metrics" else [])}
    kept = [each for each in found if needed <= each.keys()]
    for run in kept if key == "metrics" else ():
        run["right"] = [right or 0 for right in run["right"]]  # null for a text without an answer
    return kept


def counts(run: Run) -> bool:
    """Return whether a run belongs on the page: a fit with its test, or a test of an ensemble, which has no fit."""
    return run["stage"] == "fit" or not trained(run)


def trained(run: Run) -> bool:
    """Return False for an ensemble: only its members are trained."""
    return bool(run["network"] != "Ensemble")


def sections(runs: Sequence[Run], baselines: Sequence[Run]) -> list[str]:
    """Return one table per test split, whatever the models were trained on, named after its first entry's corpus."""
    by_test: dict[str, list[Run]] = defaultdict(list)
    for each in (*baselines, *runs):
        by_test[each["test_fingerprint"]].append(each)
    return sorted(section(each[0]["corpus"], fingerprint, each) for fingerprint, each in by_test.items())


def section(corpus: str, fingerprint: str, found: Sequence[Run]) -> str:
    """Return the table of one test split."""
    linear = [fact for each in found if "baselines" in each for fact in each["baselines"]]
    best = max(linear, key=lambda fact: fact["val/accuracy"], default=None)
    rows = [baseline_row(fact) for fact in linear]
    tested = [each for each in found if "metrics" in each]
    texts = max(each.get("texts", len(each["right"])) for each in (*tested, *linear))
    by_command: dict[tuple[str, str, int], list[Run]] = defaultdict(list)
    for each in tested:
        by_command[SEED.sub("", each["command"]), each["fingerprint"], len(each["right"])].append(each)
    rows += [model_row(command, runs, best, texts) for (command, *_), runs in sorted(by_command.items())]
    head = ["what", "seeds", "accuracy", "macro F1", "fit, s", "peak memory, MB", "against the best baseline"]
    table = ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]
    return "\n".join(
        [f"## {corpus}: {texts:,} texts\n", *table, f"\nFingerprint of the test split: {fingerprint[:16]}.\n"]
    )


def baseline_row(fact: Run) -> list[str]:
    """Return the row of a linear classifier."""
    shares = [f"{fact[key]:.3f}" for key in ("test/accuracy", "test/f1")]
    return [f"{fact['name']} (baseline)", "", *shares, f"{fact['seconds']:.0f}", "", ""]


def model_row(command: str, runs: Sequence[Run], baseline: Run | None, texts: int) -> list[str]:
    """Return the row of a command's runs, which differ only in their seeds, marked if part of `texts` was tested."""
    by_length = sorted({str(each["seed"]) for each in runs}, key=lambda seed: (len(seed), seed))
    seeds = ", ".join(by_length) if trained(runs[0]) else "ensemble"
    shares = [mean_and_spread([each["metrics"][f"test/{key}"] for each in runs]) for key in ("accuracy", "f1")]
    seconds, memory = (f"{mean(each[key] or 0 for each in runs):.0f}" for key in ("fit_seconds", "peak_mb"))
    tested = len(runs[0]["right"])
    if tested < texts:
        return [f"`{command}` (of {tested:,} of the texts)", seeds, *shares, seconds, memory, ""]
    against = "" if baseline is None else difference([each["right"] for each in runs], baseline["right"])
    return [f"`{command}`", seeds, *shares, seconds if trained(runs[0]) else "", memory, against]


def mean_and_spread(values: Sequence[float]) -> str:
    """Format mean and standard deviation; a single value has no deviation."""
    return f"{mean(values):.3f} ({stdev(values):.3f})" if len(values) > 1 else f"{values[0]:.3f}"


def difference(model: Sequence[Sequence[int]], baseline: Sequence[int]) -> str:
    """Format the gain in accuracy, averaged over the seeds, and its confidence interval."""
    better = np.mean(model, axis=0) - np.array(baseline)  # (texts,)
    low, high = bootstrap(better)
    return f"{better.mean():+.3f} [{low:+.3f}, {high:+.3f}]"


def bootstrap(values: NDArray[np.float64], seed: int = 0) -> tuple[float, float]:
    """Return the 95 % confidence interval of the mean of `values` (texts,), by resampling texts (Efron 1979)."""
    generator = np.random.default_rng(seed)
    means = [values[generator.integers(len(values), size=len(values))].mean() for _ in range(DRAWS)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
