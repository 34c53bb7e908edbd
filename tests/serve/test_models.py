"""One model takes the place of another while requests are answered."""

import asyncio
import gc
import json
import logging
import shutil
import signal
import threading
import weakref
from dataclasses import replace

import pytest

from project.decision import Decision
from project.export.bundle import BundleFacts
from project.export.command import write_facts
from project.serve.app import create_app
from project.serve.metrics import Metrics
from project.serve.models import Model, Models
from tests.serve.conftest import Running, ask


def digested(facts, digest):
    return {**facts, "sha256": {**facts["sha256"], "bundle.json": digest * 16}}


def other(predictor):
    """The same model, which calls its classes by other names."""
    return replace(predictor, decision=Decision(("bad", "good")))


async def with_lifespan(app, asking):
    """Run an application, started as a server starts it."""
    started, ended = asyncio.Event(), asyncio.Event()
    messages = [{"type": "lifespan.startup"}]

    async def receive():
        if not messages:
            await ended.wait()
        return messages.pop() if messages else {"type": "lifespan.shutdown"}

    async def send(message):
        started.set()

    running = asyncio.create_task(app({"type": "lifespan"}, receive, send))
    await started.wait()
    try:
        return await asking()
    finally:
        ended.set()
        await running


async def until(holds):
    while not holds():
        await asyncio.sleep(0.01)


def test_the_next_model_answers_with_its_own_name(predictor, facts):
    wanted = threading.Event()
    renewal = (lambda: (other(predictor), digested(facts, "b")), wanted)
    app = create_app(predictor, digested(facts, "a"), threading.Event(), renewal=renewal)

    async def asking():
        before = await ask(app, "POST", "/predict", {"text": "A dull film."})
        wanted.set()
        while (await ask(app, "GET", "/health")).headers["X-Model"] != "b" * 16:
            await asyncio.sleep(0.01)
        return before, await ask(app, "POST", "/predict", {"text": "A dull film."})

    before, after = asyncio.run(with_lifespan(app, asking))
    assert [each.headers["X-Model"] for each in (before, after)] == ["a" * 16, "b" * 16]
    assert [list(each.json["predictions"][0]["probabilities"]) for each in (before, after)] == [
        ["negative", "positive"],
        ["bad", "good"],
    ]


def test_a_request_in_flight_is_answered_by_the_model_that_its_header_names(predictor, facts):
    wanted, began, go_on = threading.Event(), threading.Event(), threading.Event()

    def slow(token_ids):
        began.set()
        go_on.wait()
        return predictor.logits(token_ids)

    renewal = (lambda: (other(predictor), digested(facts, "b")), wanted)
    app = create_app(replace(predictor, logits=slow), digested(facts, "a"), threading.Event(), renewal=renewal)

    async def asking():
        flying = asyncio.create_task(ask(app, "POST", "/predict", {"text": "A dull film."}))
        await until(began.is_set)
        wanted.set()
        while (await ask(app, "GET", "/health")).headers["X-Model"] != "b" * 16:
            await asyncio.sleep(0.01)
        go_on.set()
        return await flying

    answer = asyncio.run(with_lifespan(app, asking))
    assert answer.headers["X-Model"] == "a" * 16
    assert list(answer.json["predictions"][0]["probabilities"]) == ["negative", "positive"]


def renewed(predictor, facts, reopen):
    """The models after `reopen` was called."""
    models, wanted = Models((predictor, digested(facts, "a")), Metrics()), threading.Event()
    wanted.set()

    async def run():
        called = threading.Event()

        def opened():
            called.set()
            return reopen()

        watching = asyncio.create_task(models.watch((opened, wanted)))
        await until(called.is_set)
        await asyncio.sleep(0.01)
        watching.cancel()

    asyncio.run(run())
    return models


def test_what_cannot_be_opened_leaves_the_model_and_one_line(predictor, facts, caplog):
    caplog.set_level(logging.INFO)

    def reopen():
        raise ValueError("no")

    assert renewed(predictor, facts, reopen).current.digest == "a" * 16
    assert [(each.message, each.fields) for each in caplog.records] == [
        ("reload failed", {"model": "a" * 16, "error": "no"})
    ]


def test_a_model_that_was_replaced_is_not_kept_in_memory(predictor, facts):
    first = replace(predictor)
    models = Models((first, facts), Metrics())
    asyncio.run(models.current.batcher.classify(["Warm."]))
    models.current = Model(predictor, facts, Metrics())
    gone = weakref.ref(first)
    del first
    gc.collect()
    assert gone() is None


@pytest.fixture(scope="module")
def hung_up(bundle, tmp_path_factory):
    """What a server answered first, after SIGHUP with another bundle, and after SIGHUP with a damaged one; its log."""
    folder = shutil.copytree(bundle, tmp_path_factory.mktemp("reload") / "bundle")
    running = Running(folder, folder.parent / "log")
    answers = [running.ask("GET", "/info")]
    facts: BundleFacts = json.loads((folder / "bundle.json").read_text())
    write_facts(folder, {**facts, "label_names": ["bad", "good"]})
    running.process.send_signal(signal.SIGHUP)
    running.logged("reloaded")
    answers.append(running.ask("GET", "/info"))
    (folder / "model.onnx").write_bytes(b"broken")
    running.process.send_signal(signal.SIGHUP)
    running.logged("reload failed")
    answers.append(running.ask("GET", "/info"))
    assert running.stop() == 0
    return answers, running.log()


def test_sighup_reads_the_bundle_again(hung_up):
    (first, second, _), _ = hung_up
    assert (first.json["label_names"], second.json["label_names"]) == (["negative", "positive"], ["bad", "good"])
    assert second.headers["X-Model"] == second.json["sha256"]["bundle.json"][:16]


def test_a_damaged_bundle_leaves_the_server_as_it_is(hung_up):
    (_, second, third), log = hung_up
    assert third.json == second.json
    (failed,) = [entry["error"] for entry in log if entry["event"] == "reload failed"]
    assert failed.endswith("model.onnx is missing or damaged; export the bundle again")
