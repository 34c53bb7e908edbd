"""IMDB and SST-2, from local copies of the public corpora in $SENTIMENT_CORPORA."""

import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from project.corpora import load_corpus
from tests.conftest import test_figures

CORPORA = Path(os.environ.get("SENTIMENT_CORPORA", "nowhere"))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (CORPORA / "imdb").is_dir(), reason="no local copies of imdb and sst2 in $SENTIMENT_CORPORA"
    ),
]
SHORT = ("--trainer.max_epochs=1", "--trainer.limit_train_batches=30", "--trainer.limit_val_batches=5")


def sentiment(*words: str, folder: Path) -> None:
    command = [sys.executable, "-m", "project", *words, "--trainer.enable_progress_bar=false"]
    subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)


@pytest.mark.parametrize("name", ["imdb", "sst2"])
def test_fit_test_and_predict(tmp_path, name):
    corpus = f"--data.corpus={name}"
    sentiment("fit", corpus, "--data.vectors=null", *SHORT, folder=tmp_path)
    checkpoint = "--ckpt_path=runs/version_0/checkpoints/best.ckpt"
    sentiment("test", checkpoint, corpus, folder=tmp_path)
    figures = [test_figures(tmp_path / f"runs/version_{n}") for n in (0, 1)]
    assert figures[1] == pytest.approx(figures[0], abs=1e-6)
    sentiment("predict", checkpoint, corpus, "--output=out.parquet", folder=tmp_path)
    assert pq.read_metadata(tmp_path / "out.parquet").num_rows == len(load_corpus(name).split("test"))


def test_no_phrase_of_a_val_sentence_is_left_in_sst2_train():
    corpus = load_corpus("sst2")
    val = [f" {' '.join(text.split())} " for text, _ in corpus.split("val")]
    longest = "\n".join(sorted(val, key=len)[-200:])
    assert [text for text, _ in corpus.split("train") if f" {' '.join(text.split())} " in longest] == []
