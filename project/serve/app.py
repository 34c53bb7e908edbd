"""Requests -> texts -> predictions -> answers: the routes of the server."""

import re
import threading
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Response
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp

from project.export.bundle import FACTS, BundleFacts
from project.predict import WORD, Predictor, without_each_word, word_effects
from project.serve.batching import Batcher
from project.serve.body import BodyLimit
from project.serve.failures import FAILURES, add_failures
from project.serve.front import Front
from project.serve.limits import MAX_BODY, MAX_CHARACTERS, MAX_EXPLAINED, MAX_TEXTS, MAX_WORDS
from project.serve.logs import RequestLog
from project.serve.page import page
from project.serve.schema import ExplainAnswer, ExplainRequest, Explanation, Health, Info, PredictAnswer, PredictRequest


def create_app(
    predictor: Predictor, facts: BundleFacts, stopping: threading.Event, hosts: Collection[str] = ()
) -> ASGIApp:
    """Return the application.

    Args:
        predictor: The model.
        facts: Its bundle.json.
        stopping: Set when the server is about to stop.
        hosts: See `Front`.
    """
    batcher = Batcher(predictor)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with batcher:
            yield

    # FastAPI's own documentation pages would load scripts from other servers
    own: dict[str, Any] = {"docs_url": None, "redoc_url": None, "redirect_slashes": False}
    api = FastAPI(title="Sentiment", version=version("project"), lifespan=lifespan, **own)
    add_model(api, batcher, predictor)
    add_facts(api, info_of(predictor, facts), batcher, stopping)
    add_failures(api)
    return RequestLog(Front(BodyLimit(api), facts["sha256"][FACTS][:16], stopping, hosts))


def add_model(api: FastAPI, batcher: Batcher, predictor: Predictor) -> None:
    """Add the routes that use the model."""

    @api.post("/predict", responses=FAILURES, response_model_exclude_none=True)
    async def predict(request: PredictRequest) -> PredictAnswer:
        """Label and probabilities of one text or several."""
        return PredictAnswer(predictions=await batcher.classify(request.all_texts()))

    @api.post("/explain", responses=FAILURES, response_model_exclude_none=True)
    async def explain(request: ExplainRequest) -> ExplainAnswer:
        """Label and probabilities of one text, and what each of its words adds to the label's probability."""
        without = without_each_word(request.text, MAX_WORDS, predictor.tokenizer)
        whole, *parts = await batcher.classify([request.text, *without])
        words = word_effects(request.text, whole, parts)
        more = len(WORD.findall(request.text)) - len(words)
        return ExplainAnswer(explanation=Explanation(prediction=whole, words=words, more_words=more))


def add_facts(api: FastAPI, about: Info, batcher: Batcher, stopping: threading.Event) -> None:
    """Add the routes that do not use the model."""
    home = page()

    @api.get("/", include_in_schema=False)
    async def index() -> HTMLResponse:
        return home

    @api.get("/health", responses={503: {"model": Health, "description": "The server is about to stop."}})
    async def health(response: Response) -> Health:
        """Whether the server accepts requests."""
        response.status_code = 503 if stopping.is_set() else 200
        return Health(status="stopping" if stopping.is_set() else "ok")

    @api.get("/ready", responses={503: {"model": Health, "description": "A request would be refused."}})
    async def ready(response: Response) -> Health:
        """Whether a request would be answered now."""
        status = "stopping" if stopping.is_set() else "busy" if batcher.full else "ok"
        response.status_code = 200 if status == "ok" else 503
        return Health(status=status)

    @api.get("/info")
    async def info() -> Info:
        """The model, its origin, and the limits of a request."""
        return about


def info_of(predictor: Predictor, facts: BundleFacts) -> Info:
    """Return the answer of /info."""
    tokenizer = predictor.tokenizer
    return Info(
        version=version("project"),
        tokenizer={
            "scheme": tokenizer.scheme,
            "tokens": len(tokenizer),
            "max_length": tokenizer.max_length,
            "truncation": tokenizer.truncation,
        },
        limits={
            "body_bytes": MAX_BODY,
            "texts": MAX_TEXTS,
            "characters": MAX_CHARACTERS,
            "explained_characters": MAX_EXPLAINED,
            "explained_words": MAX_WORDS,
        },
        label_names=facts["label_names"],
        decision=dict(facts["decision"]),
        weights=facts["weights"],
        network=facts["network"],
        corpus=re.split(r"[\\/]", facts["corpus"])[-1],  # where it lay is nobody's business
        fingerprint=facts["fingerprint"],
        versions=facts["versions"],
        parity=facts["parity"],
        sha256=facts["sha256"],
    )
