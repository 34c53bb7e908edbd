"""Bad inputs: does any end in a traceback, hang, take the machine's memory or spoil what was there?

    make fuzz              a thousand inputs, in a quarter of an hour; writes its part of docs/reliability.md
    make fuzz QUICK=1      a sample of them in less than a minute; writes nothing

Every input runs in a process of its own, forked from this one when everything is imported. Its limits are 10 seconds of
a core and 1.5 GB. It should be answered, or refused in one line with exit code 2. The exit code is 1 if one is not.
"""

import argparse
import importlib
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from project import process

os.environ |= {"OMP_NUM_THREADS": "1", "WANDB_MODE": "disabled"}  # a process that has threads should not be forked
process.prepare()

from benchmarks import fuzz_disk, fuzz_inputs, fuzz_models, fuzz_sizes, report, victim  # noqa: E402
from benchmarks.fuzz_child import MEMORY, SECONDS, Case, Ended, run_all  # noqa: E402
from benchmarks.generated import write_table  # noqa: E402
from benchmarks.worker import ROOT  # noqa: E402
from project.process import CORES  # noqa: E402
from project.registry import load, registered  # noqa: E402

HEAD = ("inputs", "number", "answered", "refused in one line", "faults")
PAGE = ROOT / "docs" / "reliability.md"
FINE = ("answered", "refused")
# imported before the first fork, besides the commands; the first one before rich, as the command line does
WARM = (
    "lightning.pytorch.trainer",
    "project.cli",
    "pyarrow.parquet",
    "onnxruntime",
    "torchtext.vocab",
    "gensim.models",
    *("encodings.utf_8_sig", "encodings.utf_16"),  # which another user may not be able to read
)


def warm_up() -> None:
    """Import what the commands import, so that no input waits for it."""
    for name in WARM:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:
            continue
    for place in registered("COMMANDS").values():
        load(place)


def cases_of(models: victim.Models, quick: bool, only: str) -> list[Case]:
    """Return the inputs; for a quick run a sample of each kind."""
    parts = [*fuzz_inputs.PARTS, *fuzz_models.PARTS, fuzz_sizes.sizes, fuzz_disk.disks]
    cases = [case for part in parts for case in part(models) if only in f"{case.kind}: {case.name}"]
    return cases[::40] if quick else cases


def rows_of(results: Sequence[Ended]) -> list[tuple[str, ...]]:
    """Return the rows of the table: one for each kind of input."""
    rows = []
    for kind in dict.fromkeys(each.case.kind for each in results):
        ends = Counter(each.how for each in results if each.case.kind == kind)
        bad = ", ".join(f"{count} {how}" for how, count in ends.items() if how not in FINE)
        rows.append((kind, str(ends.total()), *(str(ends[how]) for how in FINE), bad or "0"))
    return rows


def measure(quick: bool, only: str) -> list[Ended]:
    """Run all inputs, as many at once as there are cores."""
    with tempfile.TemporaryDirectory() as folder:
        models = victim.make_models(Path(folder))
        warm_up()
        results = []
        for each in run_all(cases_of(models, quick, only), Path(folder), CORES):
            results.append(each)
            if each.how not in FINE:
                print(f"{each.how} after {each.seconds:.1f} s: {each.case.kind}: {each.case.name[:90]}: {each.detail}")
        return results


def write_page(rows: Iterable[tuple[str, ...]], results: Sequence[Ended], minutes: float) -> None:
    """Write the figures to docs/reliability.md."""
    slowest, largest = max(each.seconds for each in results), max(each.peak for each in results)
    inputs = (
        f": {len(results):,} inputs.\nThe longest took {slowest:.0f} s of a core in all its processes (limit {SECONDS} "
        f"s in each), the largest {largest / 2**20:,.0f} MB on top of the imports (limit {MEMORY / 2**20:,.0f} MB)."
    )
    kinds = {each.case.kind for each in results}
    missing = [kind for kind in ("a full disk", "a folder of another user") if kind not in kinds]
    untried = [f"\nNot tried, since this was not run as root: {', '.join(missing)}."] if missing else []
    write_table(PAGE, "fuzz", minutes, HEAD, rows, inputs, untried)


def main() -> int:
    """Measure, print and write; return 1 if anything was at fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a sample, in less than a minute; writes nothing")
    parser.add_argument("--only", default="", help="only inputs whose kind and name contain this; writes nothing")
    given, began = parser.parse_args(), time.monotonic()
    if sys.platform != "linux":
        print("this needs Linux: it forks, and limits memory")
        return 0
    results = measure(given.quick, given.only)
    rows = rows_of(results)
    report.show("", HEAD, rows)
    if not given.quick and not given.only:
        write_page(rows, results, (time.monotonic() - began) / 60)
    return int(any(each.how not in FINE for each in results))


if __name__ == "__main__":
    sys.exit(main())
