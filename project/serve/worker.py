"""Texts -> predictions, in threads that are replaced if they end."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any

from project.decision import Prediction

Outcome = list[Prediction] | Exception
IDLE: list["Worker"] = []  # they belong to no model, and keep none in memory


class Worker(threading.Thread):
    """A thread that computes one batch after the other.

    An executor would not notice that one of its threads has ended, and its own end would wait for one that hangs.
    """

    def __init__(self) -> None:
        super().__init__(name="batch", daemon=True)
        self._jobs: SimpleQueue[Any] = SimpleQueue()
        self.start()

    def outcome(self, compute: Callable[[list[str]], list[Prediction]], texts: list[str]) -> asyncio.Future[Outcome]:
        """Return what `compute` will make of the texts, or why it made nothing of them."""
        self._done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._jobs.put((self._done, compute, texts))
        return self._done

    def run(self) -> None:
        """Compute what comes; this thread is idle as soon as that is done, and only if it can go on."""
        try:
            while True:
                done, compute, texts = self._jobs.get()
                try:
                    outcome = compute(texts)
                except BaseException as error:  # a panic in the tokenizer's library is no Exception
                    outcome = RuntimeError(f"{type(error).__name__} while these texts were classified")
                    outcome.__cause__ = error
                IDLE.append(self)
                report(done, outcome)
                del done, compute, texts, outcome  # while it is idle, the model may be replaced
        finally:
            report(self._done, RuntimeError("the thread that classified these texts ended"))


def report(done: asyncio.Future[Outcome], outcome: Outcome) -> None:
    """Set a future's result from another thread, unless it has one."""
    with suppress(RuntimeError):  # the server has stopped
        done.get_loop().call_soon_threadsafe(lambda: None if done.done() else done.set_result(outcome))
