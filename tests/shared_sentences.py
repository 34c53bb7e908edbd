"""What tests of corpora that share sentences need: SST-2, and texts as their letters and digits."""

import os
from pathlib import Path

import pytest

needs_sst2 = pytest.mark.skipif(
    not (Path(os.environ.get("SENTIMENT_CORPORA", "nowhere")) / "sst2").is_dir(),
    reason="no local copy of sst2 in $SENTIMENT_CORPORA",
)


def letters(text: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in text.lower()).split())
