"""Texts of many requests -> batches -> predictions: texts that arrive while the model is busy share a batch."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from project.decision import Prediction
from project.predict import Predictor
from project.process import CORES
from project.serve.limits import MAX_BATCH, MAX_SECONDS, MAX_WAITING

Waiting = tuple[str, asyncio.Future[Prediction]]

CHARACTERS = 6  # of a token and the space before it
MEMORY = 0.9  # of what was measured before that stays after each batch


class QueueFullError(Exception):
    """Too much work is waiting for another request to be accepted."""


class Batcher:
    """A queue of texts in front of a model.

    Nothing waits for a batch to fill up: a text that arrives alone is classified alone, at once. Requests take turns,
    a text each. Texts whose request was cancelled are dropped.

    Args:
        predictor: The model.
        max_waiting: Maximum number of waiting texts.
        workers: How many batches are computed at once.
    """

    def __init__(self, predictor: Predictor, max_waiting: int = MAX_WAITING, workers: int = CORES) -> None:
        self._predictor = predictor
        self._max_waiting, self._count = max_waiting, workers
        self._requests: deque[deque[Waiting]] = deque()
        self._filled = asyncio.Event()
        self._texts, self._work_waiting = 0, 0  # the latter in characters that are read
        self._seconds, self._work_done = 0.0, 0.0  # of the last full batches, whose overhead is small

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

    @property
    def full(self) -> bool:
        """Whether what is waiting is more than some seconds of work."""
        return self._work_waiting * self._seconds > MAX_SECONDS * self._count * self._work_done

    async def classify(self, texts: Sequence[str]) -> list[Prediction]:
        """Return a prediction for each text, in their order.

        Raises:
            QueueFullError: Too much is waiting.
        """
        if self.full or self._texts + len(texts) > self._max_waiting:
            raise QueueFullError
        loop = asyncio.get_running_loop()
        answers: list[asyncio.Future[Prediction]] = [loop.create_future() for _ in texts]
        self._requests.append(deque(zip(texts, answers, strict=True)))
        self._texts += len(texts)
        self._work_waiting += sum(map(self._work_of, texts))
        self._filled.set()
        return await asyncio.gather(*answers)

    def _work_of(self, text: str) -> int:
        return min(len(text), CHARACTERS * self._predictor.tokenizer.max_length)

    async def _next_batch(self) -> list[Waiting]:
        """Wait for texts; return as many as make a batch."""
        batch: list[Waiting] = []
        while not batch:
            await self._filled.wait()
            while self._requests and len(batch) < MAX_BATCH:
                request = self._requests.popleft()
                text, answer = request.popleft()
                if request:
                    self._requests.append(request)
                self._texts -= 1
                self._work_waiting -= self._work_of(text)
                if not answer.done():  # it is done if its request was cancelled
                    batch.append((text, answer))
            if not self._requests:
                self._filled.clear()
        return batch

    async def _work(self) -> None:
        """Classify batches until cancelled."""
        while True:
            batch = await self._next_batch()
            try:
                predictions = await self._classified([text for text, _ in batch])
            except asyncio.CancelledError:
                raise
            except BaseException as error:  # a panic in the tokenizer's library is no Exception; the worker carries on
                failed = RuntimeError(f"{type(error).__name__} while these texts were classified")
                failed.__cause__ = error
                for _, answer in batch:
                    if not answer.done():
                        answer.set_exception(failed)
                continue
            for (_, answer), prediction in zip(batch, predictions, strict=True):
                if not answer.done():
                    answer.set_result(prediction)

    async def _classified(self, texts: list[str]) -> list[Prediction]:
        """Return the predictions of a batch; a full one tells how long work takes."""
        began = time.perf_counter()
        run = asyncio.get_running_loop().run_in_executor
        predictions = await run(self._threads, self._predictor.answers, texts, MAX_BATCH)
        if len(texts) == MAX_BATCH:
            self._seconds = MEMORY * self._seconds + time.perf_counter() - began
            self._work_done = MEMORY * self._work_done + sum(map(self._work_of, texts))
        return predictions
