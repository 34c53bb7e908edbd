"""A bundle -> a model that answers, until SIGHUP puts what the folder then holds in its place."""

import asyncio
import re
import threading
from collections.abc import Callable
from importlib.metadata import version

from project.export.bundle import FACTS, BundleFacts
from project.predict import Predictor
from project.serve.batching import Batcher
from project.serve.limits import MAX_BODY, MAX_CHARACTERS, MAX_EXPLAINED, MAX_TEXTS, MAX_WORDS
from project.serve.logs import LOG
from project.serve.metrics import Metrics
from project.serve.schema import Info

Opened = tuple[Predictor, BundleFacts]
Renewal = tuple[Callable[[], Opened], threading.Event]


class Model:
    """What answers a request from its first byte to its last; it is gone when its last request is answered."""

    def __init__(self, predictor: Predictor, facts: BundleFacts, metrics: Metrics) -> None:
        self.tokenizer, self.batcher = predictor.tokenizer, Batcher(predictor, seen=metrics.batches.observe)
        self.info, self.digest = info_of(predictor, facts), facts["sha256"][FACTS][:16]


class Models:
    """The model that answers new requests, and how the next takes its place.

    Args:
        opened: The first.
        metrics: Told of each batch.
    """

    def __init__(self, opened: Opened, metrics: Metrics) -> None:
        self.current, self._metrics = Model(*opened, metrics), metrics

    async def watch(self, renewal: Renewal | None) -> None:
        """Open the next model on request, while this one answers; it stays if the next cannot be opened.

        Args:
            renewal: Opens it, and the event that is set when it is wanted.
        """
        while renewal:
            await asyncio.sleep(0.1)
            reopen, wanted = renewal
            if not wanted.is_set():
                continue
            wanted.clear()
            try:
                self.current = Model(*await asyncio.to_thread(reopen), self._metrics)
                LOG.info("reloaded", extra={"fields": {"model": self.current.digest}})
            except Exception as error:  # whatever is wrong with it, this one keeps answering
                LOG.error("reload failed", extra={"fields": {"model": self.current.digest, "error": str(error)}})


def info_of(predictor: Predictor, facts: BundleFacts) -> Info:
    """Return the answer of /info."""
    tokenizer = predictor.tokenizer
    settings = {name: getattr(tokenizer, name) for name in ("scheme", "max_length", "truncation")}
    own = {
        "version": version("project"),
        "tokenizer": {"tokens": len(tokenizer), **settings},
        "limits": {
            "body_bytes": MAX_BODY,
            "texts": MAX_TEXTS,
            "characters": MAX_CHARACTERS,
            "explained_characters": MAX_EXPLAINED,
            "explained_words": MAX_WORDS,
        },
        "corpus": re.split(r"[\\/]", facts["corpus"])[-1],  # where it lay is nobody's business
    }
    return Info.model_validate({**facts, **own})
