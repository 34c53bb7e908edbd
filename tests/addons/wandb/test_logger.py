import http.server
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import wandb

from project.addons.wandb.logger import WandbLogger

FIT = """
import os
from project.addons.wandb.logger import WandbLogger
logger = WandbLogger(save_dir="runs")
logger.log_metrics({"val/accuracy": 0.5}, step=1)
logger.experiment.finish()
print(os.environ.get("WANDB_MODE"))
"""


def log_in_new_process(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Log one figure from an empty folder and home, with no terminal to ask at."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("WANDB")}
    env = clean | {"HOME": str(folder), "PYTHONPATH": str(Path(__file__).parents[3])} | environment
    return subprocess.run(
        [sys.executable, "-c", FIT],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def offline_runs(folder: Path) -> list[Path]:
    return list(folder.glob("runs/wandb/offline-run-*/run-*.wandb"))


@pytest.mark.slow
def test_without_a_key_it_logs_offline_and_never_asks(tmp_path):
    done = log_in_new_process(tmp_path)
    assert done.returncode == 0
    assert "W&B logs offline into runs/wandb: no key is set" in done.stderr
    assert done.stdout.endswith("None\n")  # what is set in the environment would reach the next run
    assert len(offline_runs(tmp_path)) == 1


@pytest.fixture
def silent_server():
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.slow
def test_with_a_key_but_no_answer_it_goes_on_offline_within_15_seconds(tmp_path, silent_server):
    began = time.monotonic()
    done = log_in_new_process(tmp_path, WANDB_API_KEY="a" * 40, WANDB_BASE_URL=silent_server)
    assert time.monotonic() - began < 15 + 10  # seconds; 10 for the imports and the local part of W&B
    assert done.returncode == 0
    assert f"W&B logs offline into runs/wandb: a key is set, but {silent_server} does not answer" in done.stderr
    assert len(offline_runs(tmp_path)) == 1


class Answering(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:  # http.server's name
        self.send_response(404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.mark.slow
def test_key_that_the_server_refuses_is_one_line_and_an_offline_run(tmp_path):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        done = log_in_new_process(tmp_path, WANDB_API_KEY="short", WANDB_BASE_URL=url)
        server.shutdown()
    assert done.returncode == 0
    assert done.stderr.count("W&B logs offline into runs/wandb: ") == 1
    assert len(offline_runs(tmp_path)) == 1


def test_one_switch_for_none(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    wandb.finish()  # what another test may have begun
    WandbLogger(save_dir=str(tmp_path)).log_metrics({"val/accuracy": 0.5})
    assert list(tmp_path.iterdir()) == []
