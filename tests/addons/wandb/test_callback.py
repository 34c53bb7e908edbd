import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from wandb.proto import wandb_internal_pb2

from project.checkpoint import read_checkpoint
from tests.conftest import SMALL

QUIET = ("--trainer.enable_progress_bar=false", "--trainer.accelerator=cpu")
SHORT = ("--trainer.max_epochs=1", "--test_after_fit=false", *SMALL)


def offline(folder: Path, *words: str, **settings: str) -> None:
    """Run a command in a process of its own: W&B keeps its settings as long as a process lives."""
    env = os.environ | {"WANDB_MODE": "offline", "WANDB_SILENT": "true"} | settings
    subprocess.run([sys.executable, "-m", "project", *words], cwd=folder, env=env, check=True, capture_output=True)


def ids(run: Path) -> list[str]:
    """The W&B runs that the last checkpoint of a run names."""
    callbacks = read_checkpoint(run / "checkpoints" / "last.ckpt")["callbacks"]
    return [state["run_id"] for state in callbacks.values() if state.get("run_id")]


@pytest.mark.slow
def test_a_fit_is_a_run_of_its_own_which_its_checkpoint_names(tmp_path, toy):
    for number in (0, 1):
        offline(tmp_path, "fit", f"--data.corpus={toy}", *SHORT)
        (run_id,) = ids(tmp_path / f"runs/version_{number}")
        assert len(list(tmp_path.glob(f"runs/wandb/offline-run-*-{run_id}"))) == 1


@pytest.mark.slow
def test_a_test_makes_no_run(tmp_path, fitted, toy):
    offline(tmp_path, "test", f"--ckpt_path={fitted / 'checkpoints' / 'best.ckpt'}", f"--data.corpus={toy}", *QUIET)
    assert not (tmp_path / "runs" / "wandb").exists()


def test_it_can_be_left_out(sentiment, toy, monkeypatch):
    monkeypatch.setattr("project.addons.wandb.callback.WandbLogger", None)  # to call it would be an error
    assert sentiment("fit", f"--data.corpus={toy}", "--without=wandb", *SHORT) == 0


def records(folder: Path) -> Iterator[Any]:
    """What the only offline run holds: LevelDB's log format, blocks of 32 kB that hold pieces of records."""
    (path,) = folder.glob("runs/wandb/offline-run-*/run-*.wandb")
    content, place, record = path.read_bytes(), 7, b""
    while place + 7 <= len(content):
        if (left := 32_768 - place % 32_768) < 7:
            place += left
            continue
        _, length, kind = struct.unpack_from("<IHB", content, place)
        record += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # a whole record, or the end of one
            yield wandb_internal_pb2.Record.FromString(record)  # type: ignore[attr-defined] # made at run time
            record = b""


@pytest.mark.slow
def test_tags_group_and_artifacts_are_taken_from_the_environment(tmp_path, toy):
    settings = {"WANDB_TAGS": "small,toy", "WANDB_RUN_GROUP": "seeds", "WANDB_LOG_MODEL": "end"}
    offline(tmp_path, "fit", f"--data.corpus={toy}", "--trainer.max_epochs=1", *SMALL, **settings)
    found = list(records(tmp_path))
    (run,) = [each.run for each in found if each.HasField("run")]
    assert (list(run.tags), run.run_group) == (["small", "toy"], "seeds")
    files = {entry.path for each in found if each.HasField("artifact") for entry in each.artifact.manifest.contents}
    assert "best.ckpt" in files
    assert {"results.json", "test.csv"} <= files or not (tmp_path / "runs/version_0/test.csv").exists()


@pytest.mark.slow
def test_texts_and_weights_stay_here_without_the_option(tmp_path, toy):
    offline(tmp_path, "fit", f"--data.corpus={toy}", *SHORT)
    assert not any(each.HasField("artifact") for each in records(tmp_path))


@pytest.mark.slow
def test_the_sweep_runs_fit_with_options_that_it_has(sentiment, toy, monkeypatch):
    monkeypatch.setattr("project.addons.wandb.callback.WandbLogger", None)
    sweep = yaml.safe_load((Path(__file__).parents[3] / "project/addons/wandb/sweep.yml").read_text())
    assert sweep["command"][-1] == "${args}"
    words = [word for word in sweep["command"] if word.startswith("--")]
    for name, how in sweep["parameters"].items():
        words.append(f"--{name}={how['values'][-1] if 'values' in how else how['max']}")
    assert sentiment("fit", f"--data.corpus={toy}", "--wandb=false", "--trainer.max_epochs=1", *SMALL[:1], *words) == 0
