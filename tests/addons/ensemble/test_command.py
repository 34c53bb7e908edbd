"""Several checkpoints become one that works in every command; the members are random networks of different sizes."""

import csv
from pathlib import Path
from typing import IO, Any

import lightning as L
import pytest
import torch

from project import load
from project.addons.ensemble.members import Ensemble
from project.checkpoint import KEY, read_checkpoint, restore
from project.classifier import SentimentClassifier
from project.datamodule import SentimentDataModule
from project.errors import UserError
from project.text import SPECIALS, Tokenizer
from tests.addons.ensemble.conftest import write_member
from tests.conftest import QUIET, test_figures, toy_rows

DECISION = {"temperature": 1.0, "thresholds": [], "abstain_below": 0.0}
TEXTS = [text for text, _ in toy_rows()]


def mean_probabilities(members: list[Path], texts: list[str]) -> list[float]:
    """Return the members' mean probability of the second class, for each text."""
    each = [[p.probabilities["positive"] for p in load(path)(texts)] for path in members]
    return [sum(values) / len(values) for values in zip(*each, strict=True)]


def test_an_ensemble_predicts_the_mean_of_the_probabilities(members, averaged):
    ours = [p.probabilities["positive"] for p in load(averaged)(TEXTS)]
    assert ours == pytest.approx(mean_probabilities(members, TEXTS), abs=1e-6)


def test_members_keep_their_weights(members, averaged):
    network = restore(read_checkpoint(averaged)).network
    assert isinstance(network, Ensemble)
    for path, member in zip(members, network.members, strict=True):
        alone = restore(read_checkpoint(path)).network
        assert all(torch.equal(member.state_dict()[name], weight) for name, weight in alone.state_dict().items())


def test_an_ensemble_has_no_optimizer_loop_or_callback_state(averaged):
    assert not {"optimizer_states", "lr_schedulers", "loops", "callbacks"} & set(read_checkpoint(averaged))


def test_the_command_prints_the_number_of_networks(members, sentiment, capsys):
    assert sentiment("ensemble", "--output", "x.ckpt", *members) == 0
    assert capsys.readouterr().out == "ensemble of 3 networks: x.ckpt\n"


def test_each_member_keeps_its_temperature(members, sentiment):
    cool = write_member(Path("cool.ckpt"), members[0], 4, {"decision": DECISION | {"temperature": 2.5}})
    assert sentiment("ensemble", "--output", "x.ckpt", members[0], cool) == 0
    state = read_checkpoint("x.ckpt")[KEY]
    assert state["network"]["arguments"]["temperatures"] == [
        read_checkpoint(members[0])[KEY]["decision"]["temperature"],
        2.5,
    ]
    assert state["decision"]["temperature"] == 1.0
    ours = [p.probabilities["positive"] for p in load("x.ckpt")(TEXTS)]
    assert ours == pytest.approx(mean_probabilities([members[0], cool], TEXTS), abs=1e-6)


@pytest.mark.slow
def test_test_results_match_averaging_by_hand(members, averaged, toy, sentiment):
    assert sentiment("test", f"--ckpt_path={averaged}", f"--data.corpus={toy}", *QUIET) == 0
    rows = toy_rows()[50:]
    positive = [p >= 0.5 for p in mean_probabilities(members, [text for text, _ in rows])]
    right = [int(p == (label == "positive")) for p, (_, label) in zip(positive, rows, strict=True)]
    assert 0 < sum(right) < 10
    assert test_figures("runs/version_1")["test/accuracy"] == pytest.approx(sum(right) / 10)


def test_predict_writes_the_mean_probabilities(members, averaged, toy, sentiment):
    words = (f"--data.corpus={toy}", "--output=out.csv")
    assert sentiment("predict", f"--ckpt_path={averaged}", *words, *QUIET) == 0
    with Path("out.csv").open(newline="") as file:
        found = [float(row["p_positive"]) for row in csv.DictReader(file)]
    assert found == pytest.approx(mean_probabilities(members, TEXTS[50:]), abs=1e-5)


def test_training_an_ensemble_is_refused(averaged, toy, sentiment, capsys):
    assert sentiment("fit", f"--ckpt_path={averaged}", f"--data.corpus={toy}", *QUIET) == 2
    assert "error: the checkpoint is an ensemble, which cannot be trained: train its" in capsys.readouterr().err


def test_training_an_ensemble_from_python_is_refused(averaged, toy, tmp_path):
    model = SentimentClassifier.load_from_checkpoint(averaged, weights_only=True)
    data = SentimentDataModule(str(toy), vectors=None, batch_size=8)
    trainer = L.Trainer(
        accelerator="cpu", max_epochs=1, logger=False, enable_checkpointing=False, default_root_dir=tmp_path
    )
    with pytest.raises(UserError, match="the checkpoint is an ensemble, which cannot be trained"):
        trainer.fit(model, data)


DIFFERENCES: dict[str, tuple[dict[str, Any], str]] = {
    "labels": ({"label_names": ["bad", "good"]}, "d.ckpt and a.ckpt have different labels"),
    "corpus": ({"fingerprint": "0" * 64}, "d.ckpt and a.ckpt have different corpora or splits"),
    "numbers": (
        {"decision": DECISION | {"labels": "any"}},
        "d.ckpt and a.ckpt have different numbers of labels per text",
    ),
    "tokenizer": (
        {"tokenizer": Tokenizer(SPECIALS).state()},
        "d.ckpt and a.ckpt have different vocabularies or tokenizers",
    ),
    "threshold": ({"decision": DECISION | {"thresholds": [0.6, 0.4]}}, "d.ckpt and a.ckpt have different thresholds"),
}


@pytest.mark.parametrize(("changes", "message"), DIFFERENCES.values(), ids=DIFFERENCES.keys())
def test_incompatible_members_are_refused(members, sentiment, capsys, changes, message):
    other = write_member(Path("d.ckpt"), members[0], 4, changes)
    assert sentiment("ensemble", "--output", "x.ckpt", *members, other) == 2
    err = capsys.readouterr().err
    assert message in err
    assert "changing only the seed" in err
    assert err.count("\n") == 1
    assert not Path("x.ckpt").exists()


PATHS = {
    "one member": (["a.ckpt"], "x.ckpt", "an ensemble needs at least two checkpoints, not 1"),
    "a member twice": (["a.ckpt", "./a.ckpt"], "x.ckpt", "a checkpoint is named twice"),
    "missing member": (["a.ckpt", "no.ckpt"], "x.ckpt", "checkpoint no.ckpt does not exist"),
    "damaged member": (["a.ckpt", "torn.ckpt"], "x.ckpt", "torn.ckpt is not a checkpoint that can be read"),
    "other suffix": (["a.ckpt", "b.ckpt"], "x.pt", "--output x.pt is not the name of a checkpoint"),
    "folder as output": (["a.ckpt", "b.ckpt"], "folder.ckpt", "--output folder.ckpt is not the name of a checkpoint"),
    "no such folder": (["a.ckpt", "b.ckpt"], "no/x.ckpt", "folder no does not exist"),
    "member as output": (["a.ckpt", "b.ckpt"], "b.ckpt", "--output b.ckpt would overwrite one of the members"),
}


@pytest.mark.parametrize(("names", "output", "message"), PATHS.values(), ids=PATHS.keys())
def test_unusable_paths_are_one_line_errors(members, sentiment, capsys, names, output, message):
    Path("torn.ckpt").write_bytes(members[0].read_bytes()[:1000])
    Path("folder.ckpt").mkdir()
    before = sorted(Path().iterdir())
    assert sentiment("ensemble", "--output", output, *names) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert sorted(Path().iterdir()) == before


def test_an_ensemble_cannot_be_a_member(members, averaged, sentiment, capsys):
    assert sentiment("ensemble", "--output", "y.ckpt", members[0], averaged) == 2
    assert "error: x.ckpt is itself an ensemble: name the checkpoints of its members instead" in capsys.readouterr().err


def test_a_failed_write_keeps_the_old_file_and_leaves_no_temporary_one(members, sentiment, monkeypatch, capsys):
    def fail(_: Any, file: IO[bytes]) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    Path("x.ckpt").write_bytes(b"old")
    before = sorted(Path().iterdir())
    monkeypatch.setattr("torch.save", fail)
    assert sentiment("ensemble", "--overwrite", "--output", "x.ckpt", *members) == 2
    assert capsys.readouterr().err == "error: [Errno 28] No space left on device\n"
    assert Path("x.ckpt").read_bytes() == b"old"
    assert sorted(Path().iterdir()) == before


def test_an_ensemble_of_any_number_of_labels_predicts_the_mean_of_the_probabilities(members, sentiment):
    decision = DECISION | {"labels": "any", "least": 0}
    several = [write_member(Path(f"{seed}.ckpt"), members[0], seed, {"decision": decision}) for seed in (7, 8)]
    assert sentiment("ensemble", "--output", "x.ckpt", *several) == 0
    answers = load("x.ckpt")(TEXTS)
    ours = [answer.probabilities["positive"] for answer in answers]
    assert ours == pytest.approx(mean_probabilities(several, TEXTS), abs=1e-6)
    above = ["|".join(name for name, p in answer.probabilities.items() if p >= 0.5) for answer in answers]
    assert [answer.label for answer in answers] == above
