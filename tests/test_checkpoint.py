import pytest
import torch

from project.checkpoint import KEY, read_checkpoint, restore
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
    assert state["decision"] == {"temperature": 1.0, "threshold": 0.5}
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


class Evil:
    def __reduce__(self):
        return print, ("code ran",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"state_dict": {}}, "lacks the tokenizer"),
        ([1, 2], "not a checkpoint of this project"),
        ({"state_dict": {}, KEY: {"format": 99}}, "format 99"),
        (Evil(), "damaged, or of another kind"),
    ],
)
def test_other_files_are_refused(tmp_path, capsys, content, message):
    torch.save(content, tmp_path / "a.ckpt")
    with pytest.raises(UserError, match=message):
        read_checkpoint(tmp_path / "a.ckpt")
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
