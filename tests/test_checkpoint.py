import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
import torch

from project.checkpoint import KEY, Model, load_plain, read_checkpoint, restore, save_plain
from project.errors import UserError

PLAIN = (str, int, float, bool, type(None))


def is_plain(value) -> bool:
    if isinstance(value, dict):
        return all(isinstance(k, PLAIN) and is_plain(v) for k, v in value.items())
    return all(map(is_plain, value)) if isinstance(value, list | tuple) else isinstance(value, PLAIN)


def test_holds_everything_that_prediction_needs(fitted, toy):
    state = read_checkpoint(fitted / "checkpoints" / "best.ckpt")[KEY]
    assert is_plain(state)
    assert state["label_names"] == ["negative", "positive"]
    assert state["tokenizer"]["max_length"] == 256
    assert state["decision"].keys() == {"temperature", "thresholds", "abstain_below", "labels", "least"}
    assert state["corpus"] == str(toy)
    assert len(state["fingerprint"]) == 64
    assert state["versions"]["torchtext"] == "0.6.0"


def test_hyperparameters_are_plain(fitted):
    assert is_plain(read_checkpoint(fitted / "checkpoints" / "best.ckpt")["hyper_parameters"])


def test_restores_the_weights(fitted):
    checkpoint = read_checkpoint(fitted / "checkpoints" / "best.ckpt")
    network = restore(checkpoint).network
    assert torch.equal(
        network.get_parameter("classifier.weight"), checkpoint["state_dict"]["network.classifier.weight"]
    )


def opened(path: Path) -> Model:
    return restore(read_checkpoint(path), path)


class Evil:
    def __reduce__(self):
        return print, ("code ran",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"state_dict": {}}, "lacks the tokenizer"),
        ([1, 2], "not a checkpoint of this repository"),
        ({"state_dict": {}, KEY: {"format": 99}}, "format 99"),
        (Evil(), "damaged, or of another kind"),
    ],
)
def test_other_files_are_refused(tmp_path, capsys, content, message):
    torch.save(content, tmp_path / "a.ckpt")
    with pytest.raises(UserError, match=message):
        opened(tmp_path / "a.ckpt")
    assert "code ran" not in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04 torn"])
def test_damaged_files_are_refused(tmp_path, content):
    (tmp_path / "a.ckpt").write_bytes(content)
    with pytest.raises(UserError, match=r"a.ckpt is not a checkpoint that can be read"):
        read_checkpoint(tmp_path / "a.ckpt")


def test_torn_checkpoint_is_refused(fitted, tmp_path):
    whole = (fitted / "checkpoints" / "best.ckpt").read_bytes()
    (tmp_path / "torn.ckpt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="damaged"):
        read_checkpoint(tmp_path / "torn.ckpt")


def test_a_flipped_bit_is_refused_or_changes_nothing(fitted, tmp_path):
    whole = (fitted / "checkpoints" / "best.ckpt").read_bytes()
    original, draw, refused = read_checkpoint(fitted / "checkpoints" / "best.ckpt"), random.Random(0), 0
    for _ in range(40):
        damaged = bytearray(whole)
        damaged[draw.randrange(len(damaged))] ^= 1 << draw.randrange(8)
        (tmp_path / "flipped.ckpt").write_bytes(damaged)
        try:
            found = read_checkpoint(tmp_path / "flipped.ckpt")
        except UserError:
            refused += 1
            continue
        assert found[KEY] == original[KEY]
        assert all(torch.equal(found["state_dict"][name], weight) for name, weight in original["state_dict"].items())
    assert refused > 10


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(fitted, tmp_path, value):
    checkpoint = torch.load(fitted / "checkpoints" / "best.ckpt", weights_only=True)
    checkpoint["state_dict"]["network.classifier.bias"][0] = value
    torch.save(checkpoint, tmp_path / "nan.ckpt")
    with pytest.raises(UserError, match=r"nan.ckpt has NaN, infinite or missing numbers in network.classifier.bias"):
        opened(tmp_path / "nan.ckpt")


def test_a_checkpoint_is_written_next_to_its_place_and_never_by_way_of_tmpdir(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "nowhere"))
    save_plain({"a": 1}, tmp_path / "a.ckpt")
    assert load_plain(tmp_path / "a.ckpt", "file") == {"a": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.ckpt"]


def test_what_the_disk_says_is_told_and_the_old_file_stays(tmp_path, monkeypatch):
    def full(content: object, file: IO[bytes]) -> None:
        try:
            raise OSError(28, "No space left on device")
        except OSError as error:
            raise RuntimeError("unexpected pos 704 vs 598") from error  # torch's way to say so

    (tmp_path / "a.ckpt").write_bytes(b"old")
    monkeypatch.setattr("torch.save", full)
    with pytest.raises(OSError, match="No space left on device"):
        save_plain({}, tmp_path / "a.ckpt")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.ckpt", b"old")]


EDITS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no format": lambda state: state.pop("format"),
    "another kind of format": lambda state: state.update(format="5"),
    "no labels": lambda state: state.update(label_names=None),
    "a decision with an unknown setting": lambda state: state["decision"].update(bias=1),
    "a tokenizer without its special tokens": lambda state: state["tokenizer"].update(tokens=["a"]),
    "a tokenizer without a length": lambda state: state["tokenizer"].pop("max_length"),
    "more hidden units than memory holds": lambda state: encoder_of(state).update(hidden_size=10**6),
    "a million layers": lambda state: encoder_of(state).update(num_layers=10**6),
    "numbers of a word's vector without end": lambda state: state["network"]["arguments"].update(embedding_dim=10**30),
    "more hidden units than weights": lambda state: encoder_of(state).update(hidden_size=9),
    "hidden units of another type": lambda state: encoder_of(state).update(hidden_size="8"),
    "more classes than weights": lambda state: state["network"]["arguments"].update(num_classes=3),
    "a vocabulary below zero": lambda state: state["network"]["arguments"].update(vocab_size=-1),
    "labels twice": lambda state: state.update(label_names=["a", "a"]),
    "labels that are none": lambda state: state.update(label_names=[[], []]),
    "thresholds that are none": lambda state: state["decision"].update(thresholds=True),
    "no network": lambda state: state.update(network=[]),
}


def encoder_of(state: dict[str, Any]) -> dict[str, Any]:
    return state["network"]["arguments"]["encoder"]["init_args"]


def rewritten(source: Path, target: Path, edit: Callable[[dict[str, Any]], Any]) -> Path:
    """Write an edited copy of a checkpoint."""
    checkpoint = torch.load(source, weights_only=True)
    edit(checkpoint)
    torch.save(checkpoint, target)
    return target


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_an_edited_checkpoint_is_refused_before_it_is_built(fitted, tmp_path, edit):
    path = rewritten(fitted / "checkpoints" / "best.ckpt", tmp_path / "a.ckpt", lambda content: edit(content[KEY]))
    with pytest.raises(UserError) as caught:
        opened(path)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("part", ["hyper_parameters", "datamodule_hyper_parameters", "loops"])
def test_parts_that_only_others_read_are_checked_too(fitted, tmp_path, part):
    path = rewritten(
        fitted / "checkpoints" / "best.ckpt", tmp_path / "a.ckpt", lambda content: content.update({part: 3})
    )
    with pytest.raises(UserError, match=r"a\.ckpt does not fit together"):
        opened(path)


def test_sizes_are_compared_without_memory_for_them(fitted, tmp_path):
    def grow(content: dict[str, Any]) -> None:
        encoder_of(content[KEY]).update(hidden_size=20_000)  # 13 GB, and hours until they are orthogonal

    path = rewritten(fitted / "checkpoints" / "best.ckpt", tmp_path / "a.ckpt", grow)
    began = time.process_time()
    with pytest.raises(UserError, match=r"a\.ckpt does not fit together"):
        opened(path)
    assert time.process_time() - began < 10


def test_one_number_that_stands_for_any_count_is_refused(fitted, tmp_path):
    def expand(content: dict[str, Any]) -> None:
        content["state_dict"]["network.classifier.bias"] = torch.zeros(1).expand(10**12)

    path = rewritten(fitted / "checkpoints" / "best.ckpt", tmp_path / "a.ckpt", expand)
    with pytest.raises(UserError, match=r"or missing numbers in network\.classifier\.bias"):
        opened(path)


def test_a_packed_checkpoint_is_refused_before_it_is_unpacked(tmp_path):
    with ZipFile(tmp_path / "a.ckpt", "w", ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(10**6))
    with pytest.raises(UserError, match="is not a checkpoint that can be read"):
        read_checkpoint(tmp_path / "a.ckpt")


def test_a_missing_checkpoint_is_told():
    with pytest.raises(UserError, match=r"checkpoint no\.ckpt does not exist: name a file like runs/version_0/"):
        read_checkpoint("no.ckpt")
