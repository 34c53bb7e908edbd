"""A training step of the recurrence, and of the whole loop, on an NVIDIA GPU: ours against torch's packed cuDNN.

    python -m benchmarks.gpu [VECTORS] [--dry | --plot]

takes two minutes; --dry runs every part on the CPU with tiny shapes, to see that it works, and --plot only draws what
was measured. Correctness comes first. Results are printed and written to benchmarks/gpu.json as they come. The main job
takes the word vectors of a file, if one is named.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import chdir
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import lightning as L
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from benchmarks import loop
from benchmarks.report import save, show
from project.__main__ import main
from project.atomic import atomic_write
from project.datamodule import SentimentDataModule
from project.network import SentimentNetwork
from project.packed_rnn import LSTM

DRY = "--dry" in sys.argv
DEVICE = torch.device("cpu" if DRY else "cuda")
FILE = Path(__file__).with_name("gpu.json")
PICTURE = Path(__file__).parents[1] / "project" / "packed_rnn" / "gpu.png"
EMBEDDING = 100  # E
GOOD_ENOUGH = 1e-4  # relative, float32 without TF32


class Shape(NamedTuple):
    """A batch whose lengths are spread over the last quarter of T, and a network."""

    sequences: int  # B
    steps: int  # T
    hidden: int  # H
    layers: int = 1  # L
    dtype: str = "float32"  # under autocast, if it is another
    training: bool = True

    def packed(self) -> PackedSequence:
        """Return random embeddings."""
        lengths = torch.linspace(max(1, self.steps * 0.75), self.steps, self.sequences).long().flip(0)
        padded = torch.randn(self.sequences, self.steps, EMBEDDING, device=DEVICE)
        return pack_padded_sequence(padded, lengths, batch_first=True)


GRID = [Shape(*each) for each in product((8, 64, 512), (8, 24, 214), (64, 128, 256, 512))]
GRID += [Shape(8, 1000, 128), Shape(8, 1000, 256), Shape(64, 214, 128, 2), Shape(64, 214, 256, 2)]
MIXED = [Shape(64, 214, *each) for each in product((64, 128, 256), (1, 2), ("float16", "bfloat16"))]
MIXED += [Shape(64, 24, 128, 1, "float16"), Shape(64, 214, 512, 1, "float16")]
INFERENCE = [Shape(*each, training=False) for each in ((64, 24, 128), (64, 214, 128), (512, 214, 128), (64, 214, 256))]


def step_of(shape: Shape, path: str) -> Callable[[], list[Tensor]]:
    """Return what computes h_n, and in training all gradients."""
    torch.manual_seed(0)
    rnn: Any = LSTM(EMBEDDING, shape.hidden, shape.layers, bidirectional=True).to(DEVICE)
    rnn.path = path
    packed, wanted = shape.packed(), list(rnn.parameters())
    mixed = torch.autocast(DEVICE.type, getattr(torch, shape.dtype), enabled=shape.dtype != "float32")

    def step() -> list[Tensor]:
        with torch.set_grad_enabled(shape.training), mixed:
            output, (h_n, _) = rnn(packed)
            loss = h_n[-2:].float().sum() + output.data[0].float().sum()
        return [output.data, h_n, *(torch.autograd.grad(loss, wanted) if shape.training else [])]

    return step


def milliseconds(step: Callable[[], Any], turns: int = 7) -> float:
    """Return the median time of a call after two more."""
    times = []
    for turn in range(turns + 2):
        began = time.perf_counter()
        step()
        if not DRY:
            torch.cuda.synchronize()
        times += [time.perf_counter() - began] if turn > 1 else []
    return 1e3 * median(times)


def difference(shape: Shape) -> float:
    """Return the largest difference between ours and packed, relative to each tensor's norm."""
    both = [step_of(shape, path)() for path in ("packed", "auto")]
    return max(float((a.float() - b.float()).norm() / a.float().norm()) for a, b in zip(*both, strict=True))


def compare(shapes: list[Shape]) -> Iterator[tuple[Shape, float, float]]:
    """Time packed and ours in turn."""
    for shape in shapes:
        packed, ours = (milliseconds(step_of(shape, path)) for path in ("packed", "auto"))
        print(f"{shape}: packed {packed:.2f} ms, ours {ours:.2f} ms, {packed / ours:.2f}x", flush=True)
        yield shape, packed, ours


class Clock(L.Callback):
    """Milliseconds a step of each epoch of training."""

    seen: list[float] = []  # noqa: RUF012 # the command line makes the callback, and the benchmark reads it

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start."""
        self.began = time.perf_counter()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Stop: a GPU has finished by then, as metrics have been computed."""
        self.seen.append(1e3 * (time.perf_counter() - self.began) / int(trainer.num_training_batches))


def fit_step(words: list[str], epochs: int) -> float:
    """Return the median milliseconds of a step of `fit`, over its epochs but the first."""
    Clock.seen.clear()
    own = ["--trainer.callbacks+=benchmarks.gpu.Clock", "--test_after_fit=false", f"--trainer.max_epochs={epochs}"]
    sys.argv = ["sentiment", "fit", *words, *own]
    assert main() == 0
    return median(Clock.seen[1:])


def bare_step(data: SentimentDataModule, embedding: int, epochs: int) -> float:
    """Return the same of the fewest lines of PyTorch that do the same step."""
    data.prepare_data()
    data.setup("fit")
    facts = data.facts()
    sizes: dict[str, Any] = {"embedding_dim": embedding, "num_frozen": facts.num_frozen}
    train_on, times = loop.bare_step(SentimentNetwork(len(facts.tokenizer), 2, **sizes).to(DEVICE)), []
    batches = data.train_dataloader()
    for _ in range(epochs):
        began, steps = time.perf_counter(), 0
        for batch in batches:
            train_on(batch.to(DEVICE))
            steps += 1
        if not DRY:
            torch.cuda.synchronize()
        times.append(1e3 * (time.perf_counter() - began) / steps)
    return median(times[1:])


def loops(vectors: list[str]) -> dict[str, dict[str, float]]:
    """Time `fit` and a bare loop on the main job and on reviews of random words."""
    torch.set_float32_matmul_precision("high")
    given = vectors[0] if vectors else None
    found = {}
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        if DRY:
            loop.TEXTS = 128
        loop.write_corpus()
        reviews: dict[str, Any] = {"test_share": 0, "max_length": 400, "vectors": None}
        words = ["--data.corpus=reviews.csv", "--data.test_share=0", "--data.max_length=400", "--data.vectors=null"]
        found["reviews"] = {
            "fit": fit_step([*words, "--data.min_freq=1"], 4),
            "bare": bare_step(SentimentDataModule("reviews.csv", **reviews), 50, 4),
        }
        if not DRY:
            main_job = [f"--data.vectors={given}"] if given else []
            data = SentimentDataModule(vectors=given or "glove-6b-50d", min_freq=2)
            found["movies"] = {"fit": fit_step(main_job, 5), "bare": bare_step(data, 50, 5)}
    return found


def plot() -> None:
    """Draw the step's time by hidden size, packed and ours, in float32 and under autocast to float16."""
    figures = json.loads(FILE.read_text())
    rows = [row for row in figures["grid"] + figures["mixed"] if (row["sequences"], row["steps"]) == (64, 214)]
    drawing = Figure(figsize=(7.5, 4.2), layout="constrained")
    FigureCanvasAgg(drawing)
    axes = drawing.subplots()
    sizes = (64, 128, 256, 512)
    for number, (dtype, who) in enumerate(product(("float32", "float16"), ("packed_ms", "ours_ms"))):
        times = {row["hidden"]: row[who] for row in rows if row["dtype"] == dtype and row["layers"] == 1}
        name = {"packed_ms": "torch.nn.LSTM, packed", "ours_ms": "this library"}[who]
        places = [place + 0.2 * number - 0.3 for place in range(len(sizes))]
        color = {"packed_ms": "0.45", "ours_ms": "tab:blue"}[who]
        bars = axes.bar(places, [times[size] for size in sizes], 0.18, color=color, label=f"{name}, {dtype}")
        axes.bar_label(bars, fmt="%.1f", fontsize=7)
        if dtype == "float16":
            for bar in bars:
                bar.set_alpha(0.55)
    axes.set_xticks(range(len(sizes)), [f"H={size}" for size in sizes])
    axes.set_ylabel("milliseconds per training step")
    axes.set_ylim(top=1.3 * axes.get_ylim()[1])  # room for the legend
    axes.set_title(
        f"Bidirectional LSTM, B=64, T<=214, E=100, L=1; {figures['card']}, torch {figures['machine']['torch']}",
        fontsize=9,
    )
    axes.legend(fontsize=8)
    with atomic_write(PICTURE) as scratch:
        drawing.savefig(scratch, format="png", dpi=120)


def measure() -> None:
    """Measure everything."""
    figures: dict[str, Any] = {"card": "none: a dry run" if DRY else torch.cuda.get_device_name()}
    tiny = [Shape(4, 6, 16), Shape(4, 6, 16, 2)]
    torch.backends.cudnn.allow_tf32 = False
    checks = (
        tiny if DRY else [*tiny, Shape(64, 214, 128, 2), Shape(64, 214, 256), Shape(70, 100, 192), Shape(8, 40, 48)]
    )
    for shape in checks:
        figures.setdefault("differences", {})[str(shape)] = found = difference(shape)
        print(f"{shape}: differs by {found:.1e}", flush=True)
        assert found < GOOD_ENOUGH, "ours is wrong here"
    torch.backends.cudnn.allow_tf32 = True
    for name, shapes in (("grid", GRID), ("mixed", MIXED), ("inference", INFERENCE)):
        rows = figures[name] = []
        for shape, packed, ours in compare(tiny if DRY else shapes):
            rows.append({**shape._asdict(), "packed_ms": packed, "ours_ms": ours})
        save(FILE if not DRY else FILE.with_suffix(".dry.json"), figures)
    figures["loops"] = loops([word for word in sys.argv[1:] if not word.startswith("--")])
    save(FILE if not DRY else FILE.with_suffix(".dry.json"), figures)
    show("milliseconds a step", ["job", "fit", "bare"], [(k, v["fit"], v["bare"]) for k, v in figures["loops"].items()])


if __name__ == "__main__":
    from benchmarks import gpu  # under the name by which the command line finds the callback

    gpu.plot() if "--plot" in sys.argv else gpu.measure()
