import os
import re
import subprocess
import sys

import pytest

from project.addons.hub.data_sets import dataset_source
from project.ingest import ReadOptions, open_corpus


def data_set():
    import datasets  # here, since it takes a second, in each of the processes that tests are shared out to

    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "pos"])})

    def split(texts: list[str], labels: list[int]) -> datasets.Dataset:
        return datasets.Dataset.from_dict({"text": texts, "label": labels}, features=features)

    return datasets.DatasetDict(
        train=split(["Warm.", "Cold."], [1, 0]),
        validation=split(["Wise."], [1]),
        test=split(["Hidden."], [-1]),
        unsupervised=split(["More."], [-1]),
    )


def test_splits_and_label_names_of_a_hub_data_set(tmp_path, monkeypatch):
    monkeypatch.setenv("SENTIMENT_CACHE", str(tmp_path))
    corpus = open_corpus(dataset_source("owner/name", data_set()), ReadOptions(test_share=0))
    assert corpus.label_names == ("neg", "pos")
    assert {name: list(rows) for name, rows in corpus.splits.items()} == {
        "train": [("Warm.", 1), ("Cold.", 0)],
        "val": [("Wise.", 1)],
    }


def test_unsupervised_part_is_unlabelled():
    (part,) = dataset_source("owner/name", data_set()).unlabelled
    assert [(record.line, record.columns["text"]) for record in part.records()] == [(1, "More.")]


@pytest.mark.slow
def test_hub_out_of_reach_names_the_alternatives():
    # in a process of its own, since the library reads the environment when it is imported
    command = [sys.executable, "-m", "project", "fit", "--data.corpus=owner/name"]
    environment = os.environ | {"HF_ENDPOINT": "http://127.0.0.1:9"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert re.search(
        r"error: .*127\.0\.0\.1:9 does not answer; give a local file or folder, or another corpus", done.stderr
    )
