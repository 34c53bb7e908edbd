import asyncio
from dataclasses import replace

import pytest

from project.serve.batching import Batcher, QueueFullError


def test_waiting_texts_are_classified_together(predictor):
    sizes = []

    def counted(token_ids):
        sizes.append(len(token_ids))
        return predictor.logits(token_ids)

    counting = replace(predictor, logits=counted)

    async def ask():
        async with Batcher(counting, workers=1) as batcher:
            await asyncio.gather(*(batcher.classify(["Warm."]) for _ in range(40)))

    asyncio.run(ask())
    assert sizes == [32, 8]


def test_a_full_queue_accepts_no_more_texts(predictor):
    async def ask():
        async with Batcher(predictor, max_waiting=3) as batcher:
            await asyncio.gather(*(batcher.classify(["Warm.", "Cold."]) for _ in range(2)))

    with pytest.raises(QueueFullError):
        asyncio.run(ask())


def test_the_queue_accepts_texts_again_once_it_is_empty(predictor):
    async def ask():
        async with Batcher(predictor, max_waiting=2) as batcher:
            return [len(await batcher.classify(["Warm.", "Cold."])) for _ in range(3)]

    assert asyncio.run(ask()) == [2, 2, 2]
