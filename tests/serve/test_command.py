import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from project.serve import command
from project.serve.command import listen
from project.serve.limits import HEAD_SECONDS, MAX_CONNECTIONS, MAX_HEAD
from tests.serve.conftest import ROOT, Answer, Running


class Stopped(NamedTuple):
    """What a server left that was stopped amid requests."""

    exit_code: int
    in_flight: list[int]  # status of each answer
    log: list[dict[str, Any]]


@pytest.fixture(scope="module")
def stopped(bundle, tmp_path_factory) -> Iterator[Stopped]:
    started = Running(bundle, tmp_path_factory.mktemp("stopped") / "log")
    try:
        yield stop_amid_requests(started)
    finally:
        started.process.kill()


def stop_amid_requests(started: Running) -> Stopped:
    started.ask("POST", "/predict", {"text": "A secret."})
    answers: list[Answer] = []
    body = {"texts": ["wise " * 300] * 256}
    clients = [threading.Thread(target=lambda: answers.append(started.ask("POST", "/predict", body))) for _ in range(8)]
    for client in clients:
        client.start()
    time.sleep(0.3)
    exit_code = started.stop()
    for client in clients:
        client.join()
    return Stopped(exit_code, [answer.status for answer in answers], started.log())


@pytest.mark.slow
def test_requests_in_flight_are_answered_after_sigterm(stopped):
    assert (stopped.exit_code, stopped.in_flight) == (0, [200] * 8)


def test_the_log_is_json_lines_without_any_text(stopped):
    assert {"ready", "request", "stopping", "stopped"} <= {entry["event"] for entry in stopped.log}
    request = next(entry for entry in stopped.log if entry["event"] == "request")
    assert (request["method"], request["path"], request["status"]) == ("POST", "/predict", 200)
    assert "secret" not in json.dumps(stopped.log)
    assert "wise" not in json.dumps(stopped.log)


def test_onnxruntime_sends_no_telemetry(bundle, tmp_path):
    code = f"from project import load; load({str(bundle)!r})('Warm.')"
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_silent_connections_do_not_lock_others_out(server):
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(MAX_CONNECTIONS + 40)]
    assert server.ask("GET", "/health").status == 200
    for each in silent:
        each.close()


@pytest.mark.slow
@pytest.mark.parametrize("sent", [b"", b"GET /health HT"])
def test_a_connection_is_closed_if_its_request_does_not_come(server, sent):
    with socket.create_connection(("127.0.0.1", server.port)) as silent:
        silent.sendall(sent)
        silent.settimeout(HEAD_SECONDS + 20)
        assert silent.recv(1) == b""


def test_headers_without_an_end_are_refused(server):
    with socket.create_connection(("127.0.0.1", server.port)) as endless:
        endless.sendall(b"GET /health HTTP/1.1\r\nX-Long: ")
        with pytest.raises(ConnectionError):
            endless.sendall(b"a" * 1000 * MAX_HEAD)


@pytest.mark.parametrize("protocol", ["h2c", "websocket"])
def test_another_protocol_is_not_spoken_and_costs_nothing(server, protocol):
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    offer = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": protocol, "Content-Type": "application/json"}
    statuses = []
    for _ in range(2):
        connection.request("POST", "/predict", body='{"text": "A warm film."}', headers=offer)
        answer = connection.getresponse()
        statuses.append(answer.status)
        answer.read()
    connection.close()
    assert statuses == [200, 200]


def test_a_few_requests_may_be_sent_before_the_first_is_answered(server):
    with socket.create_connection(("127.0.0.1", server.port)) as eager:
        asking = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        eager.sendall((asking + b"\r\n") * 19 + asking + b"Connection: close\r\n\r\n")
        assert b"".join(iter(lambda: eager.recv(65536), b"")).count(b"HTTP/1.1 200 OK") == 20


def test_thousands_of_requests_may_not_be_sent_before_the_first_is_answered(server):
    with socket.create_connection(("127.0.0.1", server.port)) as flood, pytest.raises(ConnectionError):
        flood.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 1_000_000)


CHUNKED = (
    b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
)


def test_headers_without_an_end_after_the_body_are_refused(server):
    with socket.create_connection(("127.0.0.1", server.port)) as endless, pytest.raises(ConnectionError):
        endless.sendall(CHUNKED + b"\r\n0\r\n" + b"X: y\r\n" * 10_000_000)


def test_a_body_may_come_in_many_small_pieces(server):
    body = json.dumps({"text": "A warm film. " * 5000}).encode()
    pieces = b"".join(b"1\r\n%c\r\n" % letter for letter in body)
    with socket.create_connection(("127.0.0.1", server.port)) as patient:
        patient.sendall(CHUNKED + b"Connection: close\r\n\r\n" + pieces + b"0\r\n\r\n")
        assert patient.recv(15) == b"HTTP/1.1 200 OK"


def test_headers_of_many_requests_are_not_added_up(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    statuses = set()
    for _ in range(4):
        connection.request("GET", "/health", headers={"X-Long": "a" * (MAX_HEAD // 2)})
        answer = connection.getresponse()
        statuses.add(answer.status)
        answer.read()
    connection.close()
    assert statuses == {200}


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
        f"error: {path} is not a bundle: `sentiment export --ckpt_path {path} --output bundle` writes one\n"
    )


def test_a_folder_without_a_bundle_is_a_one_line_error(sentiment, capsys):
    assert sentiment("serve", "nowhere") == 2
    assert "nowhere is not a bundle" in capsys.readouterr().err


def test_a_bundle_that_makes_no_sense_is_a_one_line_error(sentiment, bundle, capsys):
    shutil.copytree(bundle, "edited")
    facts = json.loads(Path("edited/bundle.json").read_text())
    Path("edited/bundle.json").write_text(json.dumps(facts | {"label_names": ["same", "same"]}))
    assert sentiment("serve", "edited") == 2
    line = "error: edited/bundle.json: label_names is ['same', 'same'], which makes no sense; export the bundle again\n"
    assert capsys.readouterr().err == line


def test_an_invalid_port_is_an_error(sentiment, bundle, capsys):
    assert sentiment("serve", bundle, "--port", "70000") == 2
    assert "--port is 70000: choose one from 0 to 65535" in capsys.readouterr().err


def test_names_of_hosts_have_commas_between_them(sentiment, bundle, monkeypatch):
    given: list[Any] = []
    monkeypatch.setattr(command, "create_app", lambda predictor, facts, stopping, hosts, *others: given.extend(hosts))
    monkeypatch.setattr(
        command, "Server", lambda app, stopping: SimpleNamespace(run=lambda sockets: sockets[0].close())
    )
    monkeypatch.setattr(command, "log_json_lines", lambda: None)
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    assert sentiment("serve", bundle, "--port", "0", "--allowed_hosts", "A.example, b.example") == 0
    assert given == ["a.example", "b.example"]
