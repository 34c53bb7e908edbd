import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from project.process import CORES
from project.serve import batching
from project.serve.app import create_app
from tests.conftest import toy_rows
from tests.serve.conftest import ask

TEXTS = [text for text, _ in toy_rows()] + ["Unbekannt, 知らない, неизвестно 🙂", "wise " * 2000, "x"]


def test_one_text(server, predictor):
    answer = server.ask("POST", "/predict", {"text": "The music is lovely."})
    expected = predictor("The music is lovely.")
    (prediction,) = answer.json["predictions"]
    assert answer.status == 200
    assert prediction["label"] == expected.label
    assert prediction["probability"] == expected.probability
    assert prediction["probabilities"] == expected.probabilities


def test_many_texts_are_answered_in_order(server, predictor):
    predictions = server.ask("POST", "/predict", {"texts": TEXTS}).json["predictions"]
    assert [p["label"] for p in predictions] == [p.label for p in predictor(TEXTS)]
    assert [p["probability"] for p in predictions] == pytest.approx([p.probability for p in predictor(TEXTS)], abs=1e-6)


def test_parallel_requests_get_their_own_answers(server, predictor):
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda text: server.ask("POST", "/predict", {"text": text}), TEXTS))
    found = [answer.json["predictions"][0]["probability"] for answer in answers]
    assert found == pytest.approx([p.probability for p in predictor(TEXTS)], abs=1e-6)


def test_bad_requests_do_not_affect_good_ones(server):
    bodies = [{"text": "A dull film."}, {"text": ""}, b"{", {"text": "Warm."}] * 20
    with ThreadPoolExecutor(16) as pool:
        statuses = [a.status for a in pool.map(lambda body: server.ask("POST", "/predict", body), bodies)]
    assert statuses == [200, 422, 400, 200] * 20


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"{", 400, "the body is not JSON: Expecting property name enclosed in double quotes at character 1"),
        (b'{"text": "Caf\xe9"}', 400, "the body is not valid JSON in UTF-8"),
        (b"[" * 100_000, 400, "the body is not valid JSON in UTF-8"),
        (b"", 422, 'the body has no text: give "text" or "texts"'),
        (b"[]", 422, "Input should be a valid dictionary or object to extract fields from"),
        ({}, 422, 'give either "text" or "texts"'),
        ({"text": "a", "texts": ["b"]}, 422, 'give either "text" or "texts"'),
        ({"text": ""}, 422, "text: the text is empty"),
        ({"text": 3}, 422, "text: Input should be a valid string"),
        ({"text": "a\0b"}, 422, "text: the text holds a NUL character"),
        ({"text": "x" * 100_001}, 422, "text: String should have at most 100000 characters"),
        ({"texts": ["Warm.", " "]}, 422, "texts[1]: the text is empty"),
        ({"texts": []}, 422, "texts: List should have at least 1 item after validation, not 0"),
        ({"texts": ["a"] * 257}, 422, "texts: List should have at most 256 items after validation, not 257"),
        ({"txt": "a"}, 422, 'txt: there is no such field, give "text" or "texts"'),
        ({"text": "x" * 2_000_000}, 413, "the request is larger than 1,048,576 bytes"),
    ],
)
def test_a_bad_request_gets_a_specific_error(server, body, status, error):
    answer = server.ask("POST", "/predict", body)
    assert (answer.status, answer.json) == (status, {"error": error})


@pytest.mark.parametrize("body", [{"text": "\ud800"}, {"\ud800": 1}, {"a\nb": 1}])
def test_odd_characters_get_a_one_line_error(server, body):
    answer = server.ask("POST", "/predict", body)
    assert answer.status == 422
    assert "\n" not in answer.json["error"]


def test_the_content_type_must_be_json(server):
    answer = server.ask("POST", "/predict", b'{"text": "Warm."}', Content_Type="text/plain")
    assert (answer.status, answer.json) == (415, {"error": "send JSON with the header Content-Type: application/json"})


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "/predict", 405, "GET /predict: Method Not Allowed"),
        ("GET", "/nothing", 404, "GET /nothing: Not Found"),
        ("GET", "/health/", 404, "GET /health/: Not Found"),
    ],
)
def test_unknown_paths_and_methods_are_errors(server, method, path, status, error):
    answer = server.ask(method, path)
    assert (answer.status, answer.json) == (status, {"error": error})


def test_a_large_body_is_refused(server):
    pieces = (b"x" * 65_536 for _ in range(40))
    answer = server.ask("POST", "/predict", b"".join(pieces), Content_Type="application/json")
    assert answer.status == 413


def test_a_compressed_body_is_refused(server):
    answer = server.ask("POST", "/predict", b"\x1f\x8b", Content_Encoding="gzip")
    assert (answer.status, answer.json) == (415, {"error": "Content-Encoding gzip is not supported: send plain JSON"})


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_it_is_well_and_ready(server, path):
    answer = server.ask("GET", path)
    assert (answer.status, answer.json) == (200, {"status": "ok"})


def test_a_model_that_hangs_is_told(predictor, facts, monkeypatch):
    monkeypatch.setattr(batching, "HANG_SECONDS", 0.01)
    released = threading.Event()
    hanging = replace(predictor, logits=lambda token_ids: released.wait() and predictor.logits(token_ids))
    app = create_app(hanging, facts, threading.Event())

    async def asking():
        for _ in range(CORES):  # one after the other: together they would be one batch, of one worker
            await asyncio.gather(ask(app, "POST", "/predict", {"text": "Warm."}), return_exceptions=True)
        answers = [await ask(app, "GET", path) for path in ("/health", "/ready")]
        answers.append(await ask(app, "POST", "/predict", {"text": "Warm."}))
        released.set()
        return answers

    answers = asyncio.run(asking())
    stuck = {"status": "stuck"}
    assert [each.json for each in answers] == [stuck, stuck, {"error": "the model hangs"}]
    assert [each.status for each in answers] == [503, 503, 503]


def test_head_is_get_without_the_body(server):
    answer = server.ask("HEAD", "/health")
    assert (answer.status, answer.headers["Content-Length"], answer.content) == (200, "15", b"")


@pytest.mark.parametrize("path", ["/", "/health", "/nothing"])
def test_every_answer_names_the_model(server, bundle, path):
    digest = json.loads((bundle / "bundle.json").read_text())["sha256"]["bundle.json"]
    assert server.ask("GET", path).headers["X-Model"] == digest[:16]


@pytest.mark.parametrize(("host", "status"), [("localhost:8000", 200), ("[::1]", 200), ("evil.example:8000", 421)])
def test_a_server_for_this_machine_answers_to_its_names_alone(server, host, status):
    assert server.ask("GET", "/health", Host=host).status == status


def test_info_describes_the_model_and_the_limits(server):
    info = server.ask("GET", "/info").json
    assert info["label_names"] == ["negative", "positive"]
    assert info["tokenizer"]["max_length"] == 256
    assert info["parity"]["different_labels"] == 0
    assert info["limits"]["texts"] == 256
    assert info["corpus"] == "toy"


def test_openapi_documents_every_response(server):
    paths = server.ask("GET", "/openapi.json").json["paths"]
    assert sorted(paths) == ["/explain", "/health", "/info", "/metrics", "/predict", "/ready"]
    assert sorted(paths["/predict"]["post"]["responses"]) == ["200", "400", "401", "408", "413", "415", "422", "503"]
    assert "HTTPValidationError" not in json.dumps(paths)


def test_the_page_may_not_load_anything_from_other_servers(server):
    answer = server.ask("GET", "/")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert b"http://" not in answer.content
    assert b"https://" not in answer.content
