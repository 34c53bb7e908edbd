"""Several processes: the same figures as one, every text, and one line for a mistake."""

import csv
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from project.checkpoint import read_checkpoint
from tests.conftest import QUIET, SMALL, toy_rows, write_csv

TWO = ("--trainer.devices=2", "--trainer.strategy=ddp")
SIZES = (1, 2, 3, 64, 65, 1061)

pytestmark = pytest.mark.slow

# validates and tests an untrained model on corpora of these sizes, in as many processes as it is told
MEASURE = """
import json, os, sys
from pathlib import Path
import lightning as L
from project.callbacks import of_all_processes
from project.classifier import SentimentClassifier
from project.datamodule import SentimentDataModule

class Rows(L.Callback):
    def on_test_start(self, trainer, model):
        self.rows = set()

    def on_test_batch_end(self, trainer, model, outputs, *_):
        self.rows.update(outputs["rows"].tolist())

    def on_test_end(self, trainer, model):
        self.texts = len(set().union(*of_all_processes(trainer, self.rows)))

processes, *sizes = map(int, sys.argv[1:])
nodes = int(os.environ.get("NODES", "1"))
quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
found = {}
for size in sizes:
    L.seed_everything(1, verbose=False)
    model = SentimentClassifier(embedding_dim=8)
    data = SentimentDataModule(str(size), vectors=None, batch_size=16)
    how = {"accelerator": "cpu", "devices": processes // nodes, "num_nodes": nodes}
    counted = Rows()
    trainer = L.Trainer(**how, strategy="ddp" if processes > 1 else "auto", callbacks=[counted], **quiet)
    found[size] = trainer.validate(model, data, verbose=False)[0] | trainer.test(model, data, verbose=False)[0]
    found[size]["texts"] = counted.texts
if trainer.is_global_zero:
    Path(f"{processes}.json").write_text(json.dumps(found))
"""


def start(folder: Path, *words: str, enter: Sequence[str] = (), **variables: str) -> subprocess.Popen[str]:
    env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[1])} | variables
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([*enter, sys.executable, "-W", "ignore", *words], cwd=folder, env=env, **pipes)  # type: ignore[call-overload]


def sentiment(folder: Path, *words: str) -> tuple[int, str, str]:
    """Run a command; return its exit code and what it printed."""
    process = start(folder, "-m", "project", *words, *QUIET)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


@pytest.fixture(scope="module")
def corpora(tmp_path_factory) -> Path:
    """A folder with a corpus of each size, and the script that measures them."""
    folder: Path = tmp_path_factory.mktemp("measured")
    kinds = ("A dull story", "A good film", "A very, very good ending")
    rows = [(f"{kinds[n % 3]} {n}.", str(n % 3 > 0)) for n in range(1100)]
    for size in SIZES:
        (folder / str(size)).mkdir()
        for split, some in (("train", rows[:40]), ("val", rows[:size]), ("test", rows[-size:])):
            write_csv(folder / str(size) / f"{split}.csv", some)
    (folder / "measure.py").write_text(MEASURE)
    return folder


Figures = dict[str, dict[str, float]]  # by size


@pytest.fixture(scope="module")
def one(corpora) -> Figures:
    """What one process measures."""
    return measured(corpora, 1, start(corpora, "measure.py", "1", *map(str, SIZES)))


def measured(folder: Path, processes: int, *started: subprocess.Popen[str]) -> Figures:
    for process in started:
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err[-2000:]
    found: Figures = json.loads((folder / f"{processes}.json").read_text())
    return found


def check(figures: Figures, one: Figures) -> None:
    for size, found in figures.items():
        assert found == pytest.approx(one[size], abs=1e-6, nan_ok=True), size
        assert found["texts"] == int(size)
        assert not math.isnan(found["test/loss"])


def test_figures_equal_those_of_one_process(corpora, one):
    check(measured(corpora, 2, start(corpora, "measure.py", "2", *map(str, SIZES))), one)


@pytest.fixture
def joined():
    """Two network namespaces, joined by a cable, as two machines: how to run a command in each."""
    names = [f"sentiment-{os.getpid()}-{end}" for end in "ab"]
    ends = [f"s{os.getpid() % 10**6}{end}" for end in "ab"]
    words = [f"netns add {name}" for name in names]
    words.append(f"link add {ends[0]} netns {names[0]} type veth peer name {ends[1]} netns {names[1]}")
    for number, (name, end) in enumerate(zip(names, ends, strict=True), start=1):
        words += [f"-n {name} addr add 10.77.0.{number}/24 dev {end}"]
        words += [f"-n {name} link set {link} up" for link in ("lo", end)]
    try:
        for each in words:
            if shutil.which("ip") is None or subprocess.run(["ip", *each.split()], capture_output=True).returncode:
                pytest.skip("no network namespaces can be made here")
        yield [(["ip", "netns", "exec", name], end) for name, end in zip(names, ends, strict=True)]
    finally:
        for name in names if shutil.which("ip") else ():
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


def test_figures_of_two_machines_equal_those_of_one_process(corpora, one, joined):
    sizes = ("1", "3", "65")
    nodes = []
    for rank, (enter, end) in enumerate(joined):
        words = ["--nnodes=2", f"--node_rank={rank}", "--nproc_per_node=1", "--master_addr=10.77.0.1"]
        torchrun = ["-m", "torch.distributed.run", *words, "--master_port=29511", "measure.py", "2", *sizes]
        nodes.append(start(corpora, *torchrun, enter=enter, NODES="2", GLOO_SOCKET_IFNAME=end))
    check(measured(corpora, 2, *nodes), one)


def test_two_processes_fit_and_predict_every_text(toy, tmp_path):
    shutil.copytree(toy, tmp_path / "toy")
    write_csv(tmp_path / "toy" / "val.csv", toy_rows()[:17])  # batches of 8 and 1 in one process, of 8 in the other
    both = ("--data.corpus=toy", *TWO)
    assert sentiment(tmp_path, "fit", *SMALL, "--trainer.max_epochs=2", *both)[0] == 0
    words = ("predict", "--ckpt_path=runs/version_0/checkpoints/best.ckpt", *both)
    assert sentiment(tmp_path, *words)[0] == 0
    with (tmp_path / "runs" / "version_1" / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == [text for text, _ in toy_rows()[50:]]
    assert all(row["predicted"] for row in rows)


def test_a_mistake_is_one_line(tmp_path):
    write_csv(tmp_path / "rows.csv", [("A dull film.", "")])
    code, _, err = sentiment(tmp_path, "fit", "--data.corpus=rows.csv", *SMALL, *TWO)
    assert code == 2
    assert [line for line in err.splitlines() if "rror" in line] == [
        "error: 1 bad row: rows.csv:2: the label is missing; fix it, or skip bad rows with --data.bad_rows=skip"
    ]


def test_sigterm_ends_all_processes_with_a_whole_checkpoint(tmp_path):
    write_csv(tmp_path / "rows.csv", [(f"{text} {n}", label) for n in range(40) for text, label in toy_rows()])
    words = ("fit", "--data.corpus=rows.csv", "--trainer.max_epochs=200", *SMALL, *TWO)
    process = start(tmp_path, "-m", "project", *words, *QUIET)
    while not (tmp_path / "runs" / "version_0" / "checkpoints" / "last.ckpt").exists():
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    process.communicate(timeout=60)
    assert time.monotonic() - began < 15
    assert process.returncode == 143
    assert read_checkpoint(tmp_path / "runs" / "version_0" / "checkpoints" / "last.ckpt")["global_step"] > 0
