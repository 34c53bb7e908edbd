"""Requests -> texts -> predictions -> answers: the routes of the server."""

import asyncio
import threading
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from project.export.bundle import BundleFacts
from project.predict import WORD, Predictor, without_each_word, word_effects
from project.serve.body import BodyLimit
from project.serve.failures import FAILURES, add_failures
from project.serve.front import Front
from project.serve.limits import MAX_WORDS
from project.serve.logs import RequestLog
from project.serve.metrics import Metrics
from project.serve.models import Model, Models, Renewal
from project.serve.page import page
from project.serve.schema import ExplainAnswer, ExplainRequest, Explanation, Health, Info, PredictAnswer, PredictRequest


def create_app(
    predictor: Predictor,
    facts: BundleFacts,
    stopping: threading.Event,
    hosts: Collection[str] = (),
    key: str | None = None,
    renewal: Renewal | None = None,
) -> ASGIApp:
    """Return the application.

    Args:
        predictor: The model.
        facts: Its bundle.json.
        stopping: Set when the server is about to stop.
        hosts: See `Front`.
        key: See `Front`.
        renewal: See `Models.watch`; None for never.
    """
    metrics = Metrics()
    models = Models((predictor, facts), metrics)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watching = asyncio.create_task(models.watch(renewal))
        yield
        watching.cancel()

    # FastAPI's own documentation pages would load scripts from other servers
    own: dict[str, Any] = {"docs_url": None, "redoc_url": None, "redirect_slashes": False}
    api = FastAPI(title="Sentiment", version=version("project"), lifespan=lifespan, **own)
    add_model(api)
    add_facts(api, models, metrics, stopping)
    add_failures(api)
    metrics.paths = {getattr(route, "path", "") for route in api.routes}
    http = RequestLog(Front(BodyLimit(api), models, stopping, hosts, key), metrics.answered)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (http if scope["type"] == "http" else api)(scope, receive, send)

    return app


def add_model(api: FastAPI) -> None:
    """Add the routes that use the model."""

    @api.post("/predict", responses=FAILURES, response_model_exclude_none=True)
    async def predict(request: PredictRequest, http: Request) -> PredictAnswer:
        """Label and probabilities of one text or several."""
        model: Model = http.scope["model"]
        return PredictAnswer(predictions=await model.batcher.classify(request.all_texts()))

    @api.post("/explain", responses=FAILURES, response_model_exclude_none=True)
    async def explain(request: ExplainRequest, http: Request) -> ExplainAnswer:
        """Label and probabilities of one text, and what each of its words adds to the label's probability."""
        model: Model = http.scope["model"]
        without = without_each_word(request.text, MAX_WORDS, model.tokenizer)
        whole, *parts = await model.batcher.classify([request.text, *without])
        words = word_effects(request.text, whole, parts)
        more = len(WORD.findall(request.text)) - len(words)
        return ExplainAnswer(explanation=Explanation(prediction=whole, words=words, more_words=more))


def add_facts(api: FastAPI, models: Models, metrics: Metrics, stopping: threading.Event) -> None:
    """Add the routes that do not use the model."""
    home = page()

    def health_of(response: Response, busy: bool = False) -> Health:
        stuck = models.current.batcher.stuck
        status = "stopping" if stopping.is_set() else "stuck" if stuck else "busy" if busy else "ok"
        response.status_code = 200 if status == "ok" else 503
        return Health(status=status)

    @api.get("/", include_in_schema=False)
    async def index() -> HTMLResponse:
        return home

    @api.get("/health", responses={503: {"model": Health, "description": "The server is stopping or the model hangs."}})
    async def health(response: Response) -> Health:
        """Whether the server works."""
        return health_of(response)

    @api.get("/ready", responses={503: {"model": Health, "description": "A request would be refused."}})
    async def ready(response: Response) -> Health:
        """Whether a request would be answered now."""
        return health_of(response, busy=models.current.batcher.full)

    @api.get("/metrics", response_class=PlainTextResponse, responses={401: FAILURES[401]})
    async def figures() -> PlainTextResponse:
        """What has happened since the start, for Prometheus."""
        metrics.waiting.set(models.current.batcher.waiting)
        metrics.model.info({"digest": models.current.digest})
        return PlainTextResponse(generate_latest(metrics.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    @api.get("/info", responses={401: FAILURES[401]})
    async def info(http: Request) -> Info:
        """The model, its origin, and the limits of a request."""
        model: Model = http.scope["model"]
        return model.info
