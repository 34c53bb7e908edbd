"""/metrics, as Prometheus reads it."""

import asyncio
import sys
import threading
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from project.serve.app import create_app
from tests.serve.conftest import Answer, ask


@pytest.fixture(scope="module")
def told(predictor, facts) -> Answer:
    """The answer after four requests."""
    app = create_app(predictor, facts, threading.Event())

    async def asking():
        await ask(app, "POST", "/predict", {"texts": ["Warm.", "Cold.", "Wise."]})
        await ask(app, "POST", "/predict", {"text": ""})
        await ask(app, "GET", "/made-up")
        await ask(app, "GET", "/made/up/too")
        return await ask(app, "GET", "/metrics")

    return asyncio.run(asking())


@pytest.fixture(scope="module")
def figures(told) -> dict[str, float]:
    lines = [line.rpartition(" ") for line in told.content.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def test_the_format_is_that_of_prometheus(told):
    assert told.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert len(list(text_string_to_metric_families(told.content.decode()))) > 5


def test_requests_are_counted_by_path_and_status(figures):
    assert {name: count for name, count in figures.items() if name.startswith("sentiment_requests_total")} == {
        'sentiment_requests_total{path="/predict",status="200"}': 1,
        'sentiment_requests_total{path="/predict",status="422"}': 1,
        'sentiment_requests_total{path="other",status="404"}': 2,
    }


def test_the_seconds_of_requests_are_a_histogram_by_path(figures):
    assert figures['sentiment_request_seconds_bucket{le="+Inf",path="/predict"}'] == 2


def test_the_sizes_of_batches_are_a_histogram(figures):
    buckets = [figures[f'sentiment_batch_texts_bucket{{le="{size}"}}'] for size in ("2.0", "4.0")]
    assert buckets == [0, 1]


def test_texts_that_wait_are_counted(figures):
    assert figures["sentiment_waiting_texts"] == 0


def test_the_model_is_named(figures, facts):
    assert figures[f'sentiment_model_info{{digest="{facts["sha256"]["bundle.json"][:16]}"}}'] == 1


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_the_memory_of_the_process_is_told(figures):
    assert figures["process_resident_memory_bytes"] > 2**20


def test_a_client_that_leaves_before_its_answer_is_counted(predictor, facts):
    released = threading.Event()
    slow = replace(predictor, logits=lambda token_ids: released.wait() and predictor.logits(token_ids))
    app = create_app(slow, facts, threading.Event())

    async def asking():
        leaves = asyncio.create_task(ask(app, "POST", "/predict", {"text": "Warm."}))
        await asyncio.sleep(0.05)
        leaves.cancel()
        await asyncio.gather(leaves, return_exceptions=True)
        released.set()
        return await ask(app, "GET", "/metrics")

    assert b'sentiment_requests_total{path="/predict",status="left"} 1.0' in asyncio.run(asking()).content
