# needs project/export project/serve
"""How fast `sentiment serve` answers 1 to 64 clients, each of which asks again as soon as it is answered.

    make bench-serving   about 2 minutes of it; needs a run of `make train`; writes benchmarks/http.json

Server and clients are a process each and share the machine's cores over loopback. A request holds one text.
"""

import argparse
import itertools
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any

from tqdm import tqdm

from benchmarks import report
from benchmarks.lengths import reviews
from benchmarks.serving import SENTIMENT, newest_checkpoint, texts_of_lengths
from benchmarks.worker import ROOT, Worker
from project.corpora import load_corpus

CLIENTS = (1, 2, 4, 8, 16, 32, 64)
REQUESTS = {"movies": 3000, "IMDB's lengths": 1000}


@contextmanager
def serving(bundle: Path, log: Path) -> Iterator[tuple[str, int]]:
    """Run a server whose log goes to a file; give its address and process id."""
    with (
        log.open("w") as stderr,
        subprocess.Popen([SENTIMENT, "serve", bundle, "--port", "0"], stderr=stderr) as server,
    ):
        try:
            while not (ready := [line for line in log.read_text().splitlines() if '"ready"' in line]):
                if server.poll() is not None:
                    raise SystemExit(log.read_text())
                time.sleep(0.05)
            yield json.loads(ready[0])["url"], server.pid
        finally:
            server.terminate()


def memory_mb(pid: int, field: str) -> float:
    """Return a process's memory as the kernel counts it: VmRSS now, VmHWM at most so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


def measure(bundle: Path, corpora: dict[str, list[str]], log: Path) -> list[dict[str, Any]]:
    """Let ever more clients ask; return a row of figures for each number of them."""
    rows = []
    with serving(bundle, log) as (url, pid), Worker("benchmarks.http_clients", f"{url}/predict") as worker:
        worker.ask(texts=corpora["movies"][:500], clients=8)  # warm
        for (name, texts), clients in tqdm(list(itertools.product(corpora.items(), CLIENTS)), leave=False):
            answer = worker.ask(texts=texts, clients=clients)
            cuts = quantiles(answer["seconds"], n=100)
            rows.append(
                {
                    "texts": name,
                    "clients": clients,
                    "requests": len(answer["seconds"]),
                    "requests_per_s": len(answer["seconds"]) / answer["elapsed"],
                    "ms": [cuts[p - 1] * 1e3 for p in (50, 95, 99)],
                    "resident_mb": memory_mb(pid, "VmRSS"),
                    "peak_mb": memory_mb(pid, "VmHWM"),
                }
            )
    return rows


def show(rows: list[dict[str, Any]]) -> None:
    """Print the table."""
    head = ["texts", "clients", "requests/s", "p50, ms", "p95, ms", "p99, ms", "server, MB"]
    report.show(
        "Requests of one text over HTTP",
        head,
        [
            (
                row["texts"],
                row["clients"],
                f"{row['requests_per_s']:,.0f}",
                *(f"{ms:.1f}" for ms in row["ms"]),
                f"{row['resident_mb']:,.0f}",
            )
            for row in rows
        ],
    )


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ckpt_path", type=Path, help="trained on movies (default: the newest run's best)")
    checkpoint = parser.parse_args().ckpt_path or newest_checkpoint()
    corpus = load_corpus("movies")
    test = [example.text for example in corpus.split("test")]
    corpora = {
        "movies": list(itertools.islice(itertools.cycle(test), REQUESTS["movies"])),
        "IMDB's lengths": texts_of_lengths(corpus, reviews(REQUESTS["IMDB's lengths"], 256)),
    }
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "bundle"
        words = [SENTIMENT, "export", "--ckpt_path", checkpoint, "--output", bundle]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        rows = measure(bundle, corpora, Path(folder) / "log")
    show(rows)
    report.save(ROOT / "benchmarks" / "http.json", {"rows": rows})


if __name__ == "__main__":
    main()
