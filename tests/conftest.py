"""A toy corpus that a small model learns in seconds, and the command line inside the test's own process."""

import csv
import gc
import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from project.__main__ import main
from project.process import prepare
from project.registry import registered

prepare()  # as the command line does, before anything imports torch


def pytest_collection() -> None:
    """Import what every test needs; the process that only shares out the tests does not come here."""
    # Before rich, as in the command line: to typing, rich's `float | int` and Lightning's `int | float` are one type,
    # whose order is that of the first; with rich's, a limit of 1 batch would be read as 1.0, all batches.
    gc.disable()  # of what is imported nothing is garbage, and looking for it takes a second
    import lightning.pytorch.trainer  # noqa: F401
    from hypothesis import settings

    settings.register_profile("unhurried", deadline=None)  # how long an example takes says nothing on a busy machine
    settings.load_profile("unhurried")


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


SUBJECTS = ["film", "story", "cast", "music", "ending"]
PRAISE = ["lovely", "brilliant", "moving", "funny", "wise", "warm"]
BLAME = ["dull", "clumsy", "tedious", "hollow", "noisy", "cold"]


def toy_rows() -> list[tuple[str, str]]:
    """60 sentences of our own, half of them praise."""
    rows = []
    for subject, (good, bad) in itertools.product(SUBJECTS, zip(PRAISE, BLAME, strict=True)):
        rows.append((f"The {subject} is {good}, and I would see it again.", "positive"))
        rows.append((f"A {bad} {subject}.", "negative"))
    return rows


def write_csv(path: Path, rows: list[tuple[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])


@pytest.fixture(autouse=True, scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache of this run's own, and W&B without effect."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANDB_MODE", "disabled")
        patch.setenv("SENTIMENT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def one_thread() -> None:
    import torch

    torch.set_num_threads(1)  # tiny tensors: a second thread only waits


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the toy corpus; to be read only."""
    folder = tmp_path_factory.mktemp("corpus") / "toy"
    folder.mkdir()
    rows = toy_rows()
    write_csv(folder / "train.csv", rows[:40])
    write_csv(folder / "val.csv", rows[40:50])
    write_csv(folder / "test.csv", rows[50:])
    return folder


def run_sentiment(*words: str | Path) -> int:
    """Run the command line in this process; return its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["sentiment", *map(str, words)])
        return main()


@pytest.fixture
def sentiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """`run_sentiment` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return run_sentiment


@pytest.fixture(scope="session")
def first_callback(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default configuration with its first callback alone, which saves the best checkpoint."""
    import yaml

    from project.registry import DEFAULT_CONFIG

    config = yaml.safe_load(DEFAULT_CONFIG.read_text(encoding="utf-8"))
    del config["trainer"]["callbacks"][1:]
    path = tmp_path_factory.mktemp("configuration") / "first_callback.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


@pytest.fixture
def one_callback(first_callback: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands read that configuration: jsonargparse needs as long for the other five as for all the rest."""
    monkeypatch.setattr("project.registry.DEFAULT_CONFIG", first_callback)


PLAIN = (
    "--data.vectors=null",
    "--model.encoder.hidden_size=8",
    "--model.embedding_dim=8",
    "--data.batch_size=8",
    "--trainer.enable_progress_bar=false",
    "--trainer.accelerator=cpu",
)
# a report takes longer than these fits and tests
NO_REPORT = ("--report=false",) if "report" in registered("CALLBACKS") else ()
SMALL = (*PLAIN, *NO_REPORT)
QUIET = (*PLAIN[-2:], *NO_REPORT)


@pytest.fixture(scope="session")
def fitted_once(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which two epochs on the toy corpus ran, and what they printed."""
    folder = tmp_path_factory.mktemp("fitted")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        with redirect_stdout(StringIO()) as printed:
            assert run_sentiment("fit", f"--data.corpus={toy}", "--trainer.max_epochs=2", *PLAIN) == 0
    (folder / "printed.txt").write_text(printed.getvalue())
    return folder


def test_figures(run: Path | str) -> dict[str, float]:
    """What a run measured on the test split; nothing if it was not tested."""
    with (Path(run) / "metrics.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row.get("test/accuracy")]
    return {name: float(value) for name, value in rows[-1].items() if name.startswith("test/")} if rows else {}


test_figures.__test__ = False  # type: ignore[attr-defined] # pytest: not a test


@pytest.fixture(scope="session")
def movies_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of the main job, on the real corpus: half a minute, for slow tests; to be read only."""
    folder = tmp_path_factory.mktemp("main_job")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert run_sentiment("fit", "--trainer.enable_progress_bar=false") == 0
    return folder / "runs" / "version_0"


@pytest.fixture
def fitted(fitted_once: Path, sentiment: Callable[..., int], tmp_path: Path) -> Path:
    """The run folder of two epochs on the toy corpus, in the empty folder of `sentiment`."""
    shutil.copytree(fitted_once / "runs", tmp_path / "runs")
    return tmp_path / "runs" / "version_0"
