import csv
from pathlib import Path

import pytest
import torch

from project.predict import load
from tests.conftest import SMALL, run_sentiment, write_csv

CHECKPOINT = "runs/version_0/checkpoints/best.ckpt"


@pytest.fixture
def teach(fitted, toy):
    """Run `sentiment teach` with the checkpoint of a run on the toy corpus."""

    def run(*words):
        return run_sentiment("teach", f"--data.corpus={toy}", f"--teacher={CHECKPOINT}", "--output=taught", *words)

    return run


def rows():
    with Path("taught/train.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_probabilities_are_those_of_the_checkpoint(teach):
    assert teach() == 0
    found = rows()
    wanted = load(CHECKPOINT)([row["text"] for row in found])
    assert [float(row["p_positive"]) for row in found] == pytest.approx(
        [answer.probabilities["positive"] for answer in wanted], abs=1e-6
    )


def test_unlabelled_texts_of_the_same_corpus_are_added(sentiment, toy, tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    for split in ("train", "val", "test"):
        (folder / f"{split}.csv").write_bytes((toy / f"{split}.csv").read_bytes())
    write_csv(folder / "unlabelled.csv", [("Nothing like this was ever seen.", "")])
    words = ("--data.corpus", folder, "--trainer.max_epochs=1", "--test_after_fit=false")
    assert sentiment("fit", *words, *SMALL) == 0
    taught = ("--teacher", CHECKPOINT, "--texts", folder, "--output=taught")
    assert sentiment("teach", "--data.corpus", folder, *taught) == 0
    assert [row["text"] for row in rows() if not row["label"]] == ["Nothing like this was ever seen."]
    assert len(rows()) == 41


@pytest.mark.slow
def test_a_checkpoint_and_a_transformer_are_averaged(teach, tiny):
    assert teach("--teacher", CHECKPOINT, str(tiny), "--epochs=12", "--learning_rate=1e-2", "--batch_size=8") == 0
    found = rows()
    own = [answer.probabilities["positive"] for answer in load(CHECKPOINT)([row["text"] for row in found])]
    other = [2 * float(row["p_positive"]) - mine for row, mine in zip(found, own, strict=True)]
    assert [share > 0.5 for share in other] == [row["label"] == "positive" for row in found]
    assert all(-1e-5 < share < 1 + 1e-5 for share in other)


def test_an_unusable_checkpoint_is_reported_before_any_fine_tuning(teach, tiny, capsys):
    torch.save({"nothing": 1}, CHECKPOINT)
    assert teach("--teacher", str(tiny), CHECKPOINT) == 2
    assert "fine-tuning" not in capsys.readouterr().out


def test_a_checkpoint_of_another_corpus_is_refused(teach, capsys):
    write_csv(Path("other.csv"), [(f"A film of {n}", str(n % 2)) for n in range(40)])
    assert teach("--data.corpus=other.csv") == 2
    assert "texts that it was trained on could be in val or test" in capsys.readouterr().err


def test_fine_tuning_options_are_refused(teach, capsys):
    assert teach("--epochs=3") == 2
    assert "--epochs has no effect: only transformers are fine-tuned" in capsys.readouterr().err


def test_a_damaged_checkpoint_is_an_error(teach, capsys):
    torch.save({"nothing": 1}, CHECKPOINT)
    assert teach() == 2
    assert "Traceback" not in capsys.readouterr().err
