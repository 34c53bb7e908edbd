"""Texts of many requests -> batches -> a prediction for each: whatever waits while the model is busy goes together."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from project.decision import Prediction
from project.predict import Predictor
from project.serve.limits import MAX_BATCH, MAX_WAITING


class QueueFullError(Exception):
    """So many texts wait that no more are taken."""


class Batcher:
    """A queue of texts in front of a model.

    Nothing waits for a batch to fill up: a text that comes alone is classified alone, at once.

    Args:
        predictor: The model; as many batches are computed at once as it has workers.
        max_waiting: How many texts may wait.
    """

    def __init__(self, predictor: Predictor, max_waiting: int = MAX_WAITING) -> None:
        self._predictor = predictor
        self._max_waiting = max_waiting
        self._waiting: asyncio.Queue[tuple[str, asyncio.Future[Prediction]]] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        """Start the workers."""
        self._threads = ThreadPoolExecutor(self._predictor.workers, "batch")
        self._workers = [asyncio.create_task(self._work()) for _ in range(self._predictor.workers)]
        return self

    async def __aexit__(self, *error: object) -> None:
        """End them."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._threads.shutdown()

    async def classify(self, texts: Sequence[str]) -> list[Prediction]:
        """Return a prediction for each text, in their order.

        Raises:
            QueueFullError: Too many texts wait.
        """
        if self._waiting.qsize() + len(texts) > self._max_waiting:
            raise QueueFullError
        loop = asyncio.get_running_loop()
        answers: list[asyncio.Future[Prediction]] = [loop.create_future() for _ in texts]
        for waiting in zip(texts, answers, strict=True):
            self._waiting.put_nowait(waiting)
        return await asyncio.gather(*answers)

    async def _work(self) -> None:
        """Classify batch after batch."""
        loop = asyncio.get_running_loop()
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < MAX_BATCH and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            try:
                predictions = await loop.run_in_executor(
                    self._threads, self._predictor, [text for text, _ in batch], MAX_BATCH
                )
            except Exception as error:  # goes to those who asked; the worker goes on
                for _, answer in batch:
                    if not answer.done():
                        answer.set_exception(error)
                continue
            for (_, answer), prediction in zip(batch, predictions, strict=True):
                if not answer.done():  # whose request has been given up
                    answer.set_result(prediction)
