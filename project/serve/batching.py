"""Texts of many requests -> batches -> predictions: texts that arrive while the model is busy share a batch."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from project.decision import Prediction
from project.predict import Predictor
from project.process import CORES
from project.serve.limits import HANG_SECONDS, MAX_BATCH, MAX_SECONDS, MAX_WAITING
from project.serve.worker import IDLE, Outcome, Worker

Waiting = tuple[str, asyncio.Future[Prediction]]

CHARACTERS = 6  # of a token and the space before it
MEMORY = 0.9  # share of earlier measurements that is kept after each batch


class UnavailableError(Exception):
    """A request cannot be answered now; the message says why."""


class Batcher:
    """A queue of texts in front of a model.

    Nothing waits for a batch to fill up: a text that arrives alone is classified alone, at once. Requests take turns,
    a text each. Texts whose request was cancelled are dropped. Its tasks start when there is work, and end with it.

    Args:
        predictor: The model.
        workers: How many batches are computed at once.
        seen: Called with the size of each batch.
    """

    def __init__(self, predictor: Predictor, workers: int = CORES, seen: Callable[[int], object] = abs) -> None:
        self._answers = partial(predictor.answers, batch_size=MAX_BATCH)
        self._longest = CHARACTERS * predictor.tokenizer.max_length
        self._count, self._seen = workers, seen
        self._requests: deque[deque[Waiting]] = deque()
        self._tasks: set[asyncio.Task[None] | None] = set()
        self._hanging: set[Worker] = set()
        self.waiting, self._work_waiting = 0, 0  # texts; characters that are read
        self._seconds, self._work_done = 0.0, 0.0  # of the last full batches, whose overhead is small

    @property
    def full(self) -> bool:
        """Whether what is waiting is more than some seconds of work."""
        return self._work_waiting * self._seconds > MAX_SECONDS * self._count * self._work_done

    @property
    def stuck(self) -> bool:
        """Whether every worker hangs."""
        return len(self._hanging) == self._count

    async def classify(self, texts: Sequence[str]) -> list[Prediction]:
        """Return a prediction for each text, in their order.

        Raises:
            UnavailableError: Too much is waiting, or every worker hangs.
            RuntimeError: The model failed.
        """
        if self.stuck:
            raise UnavailableError("the model hangs")
        if self.full or self.waiting + len(texts) > MAX_WAITING:
            raise UnavailableError("too many texts are waiting; try again")
        loop = asyncio.get_running_loop()
        answers: list[asyncio.Future[Prediction]] = [loop.create_future() for _ in texts]
        self._requests.append(deque(zip(texts, answers, strict=True)))
        self.waiting += len(texts)
        self._work_waiting += sum(map(self._work_of, texts))
        for _ in range(min(self._count - len(self._tasks), 1 + len(texts) // MAX_BATCH)):
            self._tasks.add(loop.create_task(self._work()))
        return await asyncio.gather(*answers)

    def _work_of(self, text: str) -> int:
        return min(len(text), self._longest)

    def _next_batch(self) -> list[Waiting]:
        """Return as many texts as make a batch, nothing if none waits."""
        batch: list[Waiting] = []
        while self._requests and len(batch) < MAX_BATCH:
            request = self._requests.popleft()
            text, answer = request.popleft()
            if request:
                self._requests.append(request)
            self.waiting -= 1
            self._work_waiting -= self._work_of(text)
            if not answer.done():  # it is done if its request was cancelled
                batch.append((text, answer))
        return batch

    async def _work(self) -> None:
        """Classify batches until no text waits; full ones tell how long work takes."""
        while batch := self._next_batch():
            self._seen(len(batch))
            began = time.perf_counter()
            worker = IDLE.pop() if IDLE else Worker()
            late = asyncio.get_running_loop().call_later(HANG_SECONDS, self._give_up, worker, batch)
            outcome = await worker.outcome(self._answers, [text for text, _ in batch])
            late.cancel()
            self._hanging.discard(worker)
            settle(batch, outcome)
            if len(batch) == MAX_BATCH and isinstance(outcome, list):
                self._seconds = MEMORY * self._seconds + time.perf_counter() - began
                self._work_done = MEMORY * self._work_done + sum(self._work_of(text) for text, _ in batch)
        self._tasks.discard(asyncio.current_task())

    def _give_up(self, worker: Worker, batch: list[Waiting]) -> None:
        """Stop waiting for a worker; if none is left, refuse what waits for one."""
        self._hanging.add(worker)
        settle(batch, RuntimeError(f"these texts were not classified within {HANG_SECONDS} seconds"))
        if self.stuck:
            settle((each for request in self._requests for each in request), UnavailableError("the model hangs"))


def settle(batch: Iterable[Waiting], outcome: Outcome) -> None:
    """Answer the texts of a batch that have no answer yet."""
    for number, (_, answer) in enumerate(batch):
        if answer.done():
            continue
        if isinstance(outcome, Exception):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome[number])
