"""What docs/serving.md says to type, and its configurations."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.markdown import blocks
from tests.serve.conftest import ROOT, Running

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


def configuration(key: str) -> dict[str, Any]:
    """Return the configuration of the page that has `key`."""
    (found,) = (whole for _, block, _ in blocks(PAGE, "yaml") if key in (whole := yaml.safe_load(block)))
    return found


def test_the_configuration_of_prometheus_is_yaml():
    (job,) = configuration("scrape_configs")["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["127.0.0.1:8000"]}]


def test_what_the_containers_share_is_declared():
    compose = configuration("services")
    proxy = compose["services"]["proxy"]
    assert proxy["depends_on"].keys() < compose["services"].keys()
    assert [config["source"] for config in proxy["configs"]] == [*compose["configs"]]
    assert [volume.split(":")[0] for volume in proxy["volumes"]] == [*compose["volumes"]]


@pytest.mark.slow
def test_the_server_takes_its_options_and_the_hosts_of_proxy_and_health_check(bundle, tmp_path, monkeypatch):
    serve = configuration("services")["services"]["serve"]
    for name in serve["environment"]:
        monkeypatch.setenv(name, "secret")
    started = Running(bundle, tmp_path / "log", "--host=0.0.0.0", *serve["command"])
    try:
        assert started.ask("GET", "/health", Host="127.0.0.1").status == 200
        ask = {"Host": "sentiment.example.org", "Authorization": "Bearer secret"}
        assert started.ask("POST", "/predict", {"text": "Warm."}, **ask).status == 200
        assert started.ask("GET", "/health", Host="another.example.org").status == 421
    finally:
        started.stop()


@pytest.mark.skipif(shutil.which("caddy") is None, reason="Caddy is not installed")
def test_caddy_understands_its_configuration(tmp_path):
    (tmp_path / "Caddyfile").write_text(configuration("services")["configs"]["caddyfile"]["content"])
    subprocess.run(["caddy", "validate", "--config", "Caddyfile", "--adapter", "caddyfile"], cwd=tmp_path, check=True)
