"""What docs/serving.md says to type, and its configurations."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.markdown import blocks
from tests.serve.conftest import ROOT

PAGE = ROOT / "docs" / "serving.md"


@pytest.mark.slow
def test_the_commands_run(bundle, tmp_path):
    shutil.copytree(bundle, tmp_path / "bundle")
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ((_, commands, _),) = blocks(PAGE, "sh")
    commands = commands.replace(" --api_key_file", f" --port {port} --api_key_file").replace(":8000", f":{port}")
    words = ["bash", "-e", "-o", "pipefail", "-c", commands]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"event": "reloaded"' in done.stdout
    assert 'sentiment_requests_total{path="/predict",status="200"} 1.0' in done.stdout


def test_the_configuration_of_prometheus_is_yaml():
    ((_, configuration, _),) = blocks(PAGE, "yaml")
    (job,) = yaml.safe_load(configuration)["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["127.0.0.1:8000"]}]


@pytest.mark.skipif(shutil.which("caddy") is None, reason="Caddy is not installed")
def test_caddy_understands_its_configuration(tmp_path):
    ((_, configuration, _),) = blocks(PAGE, "caddyfile")
    (tmp_path / "Caddyfile").write_text(configuration)
    subprocess.run(["caddy", "validate", "--config", "Caddyfile", "--adapter", "caddyfile"], cwd=tmp_path, check=True)
