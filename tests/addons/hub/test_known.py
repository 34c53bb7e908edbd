import pyarrow as pa
import pyarrow.parquet as pq

from project.corpora import find_source, load_corpus
from project.ingest import ReadOptions


def local_copies(tmp_path, monkeypatch, name: str, **files) -> None:
    folder = tmp_path / name
    folder.mkdir()
    for split, columns in files.items():
        pq.write_table(pa.table(columns), folder / f"{split}.parquet")
    monkeypatch.setenv("SENTIMENT_CORPORA", str(tmp_path))


def test_imdb_of_a_local_copy(tmp_path, monkeypatch):
    train = {"text": [f"Review {n}." for n in range(20)], "label": [0, 1] * 10}
    unsupervised = {"text": ["No label."], "label": [-1]}
    local_copies(
        tmp_path, monkeypatch, "imdb", train=train, test={"text": ["So."], "label": [1]}, unsupervised=unsupervised
    )
    corpus = load_corpus("imdb")
    assert corpus.label_names == ("negative", "positive")
    assert {name: len(rows) for name, rows in corpus.splits.items()} == {"train": 18, "val": 2, "test": 1}


def test_sst2_of_a_local_copy_leaks_no_phrase(tmp_path, monkeypatch):
    sentences = [
        f"the {noun} is {word} today" for noun in ("film", "cast", "plot") for word in ("warm", "cold", "wise")
    ]
    phrases = [" ".join(sentence.split()[1:4]) for sentence in sentences]
    train = {"sentence": [*sentences, *phrases], "label": [1] * 9 + [0] * 9}
    local_copies(tmp_path, monkeypatch, "sst2", train=train, validation={"sentence": ["so it is"], "label": [1]})
    corpus = load_corpus("sst2")
    assert [text for text, _ in corpus.split("test")] == ["so it is"]
    val = [text for text, _ in corpus.split("val")]
    assert len(val) == 2  # a sentence and the phrase inside it
    assert val[1] in val[0]
    assert not [text for text, _ in corpus.split("train") if text in val[0]]


def test_column_of_sst2_is_known(tmp_path, monkeypatch):
    local_copies(tmp_path, monkeypatch, "sst2", train={"sentence": ["so"]}, validation={"sentence": ["so"]})
    assert find_source("sst2", ReadOptions()).text_column == "sentence"
