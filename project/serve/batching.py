"""Texts of many requests -> batches -> predictions: texts that arrive while the model is busy share a batch."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from project.decision import Prediction
from project.predict import Predictor
from project.process import CORES
from project.serve.limits import MAX_BATCH, MAX_WAITING


class QueueFullError(Exception):
    """Too many texts are waiting for another request to be accepted."""


class Batcher:
    """A queue of texts in front of a model.

    Nothing waits for a batch to fill up: a text that arrives alone is classified alone, at once.

    Args:
        predictor: The model.
        max_waiting: Maximum number of waiting texts.
        workers: How many batches are computed at once.
    """

    def __init__(self, predictor: Predictor, max_waiting: int = MAX_WAITING, workers: int = CORES) -> None:
        self._predictor = predictor
        self._max_waiting, self._count = max_waiting, workers
        self._waiting: asyncio.Queue[tuple[str, asyncio.Future[Prediction]]] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        """Start the workers."""
        self._threads = ThreadPoolExecutor(self._count, "batch")
        self._workers = [asyncio.create_task(self._work()) for _ in range(self._count)]
        return self

    async def __aexit__(self, *error: object) -> None:
        """Stop the workers."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._threads.shutdown()

    async def classify(self, texts: Sequence[str]) -> list[Prediction]:
        """Return a prediction for each text, in their order.

        Raises:
            QueueFullError: Too many texts are waiting.
        """
        if self._waiting.qsize() + len(texts) > self._max_waiting:
            raise QueueFullError
        loop = asyncio.get_running_loop()
        answers: list[asyncio.Future[Prediction]] = [loop.create_future() for _ in texts]
        for waiting in zip(texts, answers, strict=True):
            self._waiting.put_nowait(waiting)
        return await asyncio.gather(*answers)

    async def _work(self) -> None:
        """Classify batches until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < MAX_BATCH and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            try:
                predictions = await loop.run_in_executor(
                    self._threads, self._predictor.answers, [text for text, _ in batch], MAX_BATCH
                )
            except Exception as error:  # raised in the requests of this batch; the worker carries on
                for _, answer in batch:
                    if not answer.done():
                        answer.set_exception(error)
                continue
            for (_, answer), prediction in zip(batch, predictions, strict=True):
                if not answer.done():  # it is done if its request was cancelled
                    answer.set_result(prediction)
