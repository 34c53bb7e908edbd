import json
import os
import socket
import subprocess
import sys
import threading
import time

from project.serve.command import listen
from tests.serve.conftest import ROOT


def test_requests_in_flight_are_answered_after_sigterm(started):
    answers = []
    body = {"texts": ["wise " * 300] * 256}
    clients = [threading.Thread(target=lambda: answers.append(started.ask("POST", "/predict", body))) for _ in range(8)]
    for client in clients:
        client.start()
    time.sleep(0.3)
    assert started.stop() == 0
    for client in clients:
        client.join()
    assert [answer.status for answer in answers] == [200] * 8


def test_the_log_is_json_lines_without_any_text(started):
    started.ask("POST", "/predict", {"text": "A secret."})
    assert started.stop() == 0
    assert {"ready", "request", "stopping", "stopped"} <= {entry["event"] for entry in started.log()}
    (request,) = [entry for entry in started.log() if entry["event"] == "request"]
    assert (request["method"], request["path"], request["status"]) == ("POST", "/predict", 200)
    assert "secret" not in json.dumps(started.log())


def test_onnxruntime_sends_no_telemetry(bundle, tmp_path):
    code = f"from project import load; load({str(bundle)!r})('Warm.')"
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_only_this_machine_is_served_by_default(server):
    assert server.url.startswith("http://127.0.0.1:")


def test_the_server_needs_neither_torch_nor_the_training_code(bundle):
    heavy = ["torch", "lightning", "torchtext", "wandb", "onnx", "pyarrow", "matplotlib", "rich", "requests", "tqdm"]
    code = f"import sys, project.serve.command; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_an_address_in_use_is_a_one_line_error(sentiment, bundle, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert sentiment("serve", bundle, "--port", str(port)) == 2
    err = capsys.readouterr().err
    assert err == (
        f"error: cannot listen on 127.0.0.1:{port}: Address already in use; choose others with --host and --port\n"
    )


def test_connections_are_set_to_tcp_nodelay():
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_a_checkpoint_must_be_exported_first(sentiment, fitted, capsys):
    path = fitted / "checkpoints" / "best.ckpt"
    assert sentiment("serve", path) == 2
    assert capsys.readouterr().err == (
        f"error: {path} is not a bundle: write one with `sentiment export --ckpt_path {path} --output bundle`\n"
    )


def test_a_folder_without_a_bundle_is_a_one_line_error(sentiment, capsys):
    assert sentiment("serve", "nowhere") == 2
    assert "nowhere is not a bundle" in capsys.readouterr().err


def test_an_invalid_port_is_an_error(sentiment, bundle, capsys):
    assert sentiment("serve", bundle, "--port", "70000") == 2
    assert "--port is 70000: choose one from 0 to 65535" in capsys.readouterr().err
