import shutil
from contextlib import redirect_stdout
from io import StringIO

import pytest
import torch

from project.corpora import load_corpus
from project.errors import UserError
from project.network import SentimentNetwork
from project.pretrained import load_pretrained, read_pretrained
from project.text import Tokenizer
from tests.conftest import SMALL, run_sentiment, write_csv

RESUMED = [word for word in SMALL if not word.startswith(("--model", "--data.vectors"))]
FROM_FILE = [word for word in SMALL if not word.startswith("--data.vectors")]  # the file brings vectors and vocabulary
PRETRAIN = [word for word in SMALL if not word.startswith("--trainer")]
GO_ON = [word for word in FROM_FILE if not word.startswith("--trainer")]


@pytest.fixture(scope="module")
def pretrained_once(toy, tmp_path_factory):
    """A file after two epochs, and what was printed; to be read only."""
    path = tmp_path_factory.mktemp("pretrained") / "lm.pt"
    words = ("--data.corpus", toy, "--epochs=2", "--samples=20", "--seed_everything=1")
    with redirect_stdout(StringIO()) as printed:
        assert run_sentiment("pretrain", "--output", path, *words, *PRETRAIN) == 0
    return path, printed.getvalue()


@pytest.fixture
def pretrained(pretrained_once):
    return pretrained_once[0]


def test_perplexity_is_told_and_kept(pretrained_once):
    path, printed = pretrained_once
    facts = torch.load(path, weights_only=True)["facts"]
    assert facts["epochs"] == 2
    assert f"after 2 of 2 epochs: perplexity {facts['perplexity']:.1f} on val" in printed


def test_fit_starts_from_it(pretrained, sentiment, toy):
    words = ("--model.pretrained", pretrained, "--trainer.max_epochs=1", "--model.learning_rate=1e-9")
    assert sentiment("fit", "--data.corpus", toy, "--test_after_fit=false", *words, *FROM_FILE) == 0
    checkpoint = torch.load("runs/version_0/checkpoints/last.ckpt", weights_only=True)["state_dict"]
    wanted = torch.load(pretrained, weights_only=True)["rnn"]["weight_hh_l0_reverse"]
    assert torch.allclose(checkpoint["network.encoder.rnn.weight_hh_l0_reverse"], wanted, atol=1e-6)


def test_another_corpus_takes_over_its_vocabulary(pretrained, sentiment, tmp_path, capsys):
    rows = [row for n in range(20) for row in [(f"The film {n} is zesty", "good"), (f"A dreary film {n}", "bad")]]
    write_csv(tmp_path / "own.csv", rows)
    words = ("--data.corpus", tmp_path / "own.csv", "--model.pretrained", pretrained)
    assert sentiment("fit", *words, "--trainer.max_epochs=1", *FROM_FILE) == 0
    tokens = torch.load(pretrained, weights_only=True)["tokenizer"]["tokens"]
    checkpoint = torch.load("runs/version_0/checkpoints/last.ckpt", weights_only=True)
    assert checkpoint["sentiment"]["tokenizer"]["tokens"] == tokens
    assert f"vocabulary: the pretrained file's {len(tokens) - 2:,} tokens, 55.6% of train's" in capsys.readouterr().out


def test_without_the_command_line_another_vocabulary_is_told(pretrained):
    network = SentimentNetwork(3, 2, embedding_dim=8, hidden_size=8)
    with pytest.raises(UserError, match="with another vocabulary: call the data module"):
        load_pretrained(read_pretrained(pretrained), network, Tokenizer(["<pad>", "<unk>", "film"]).state())


def test_a_resumed_run_needs_it_no_more(pretrained, sentiment, toy, tmp_path):
    copy = shutil.copy(pretrained, tmp_path / "copy.pt")
    words = ("--data.corpus", toy, "--test_after_fit=false", *FROM_FILE)
    assert sentiment("fit", *words, "--model.pretrained", copy, "--trainer.max_epochs=1") == 0
    (tmp_path / "copy.pt").unlink()
    last = "runs/version_0/checkpoints/last.ckpt"
    assert sentiment("fit", "--ckpt_path", last, *words[:3], *RESUMED, "--trainer.max_epochs=2") == 0


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--model.hidden_size=9", "was pretrained for a network of another shape"),
        ("--data.max_vocab_size=5", "--data.max_vocab_size=5 has no effect: the pretrained file's own setting is used"),
    ],
)
def test_what_does_not_fit_is_told(pretrained, sentiment, toy, capsys, option, message):
    words = ("--data.corpus", toy, "--model.pretrained", pretrained)
    assert sentiment("fit", *words, *FROM_FILE, option) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_a_file_that_is_none_is_told(sentiment, toy, tmp_path, capsys):
    (tmp_path / "lm.pt").write_text("no weights")
    assert sentiment("fit", "--data.corpus", toy, "--model.pretrained=lm.pt", *FROM_FILE) == 2
    assert "lm.pt is not a file of sentiment pretrain" in capsys.readouterr().err


def test_a_file_that_is_missing_is_told(sentiment, toy, capsys):
    assert sentiment("fit", "--data.corpus", toy, "--model.pretrained=lm.pt", *FROM_FILE) == 2
    assert "make it with sentiment pretrain --output lm.pt" in capsys.readouterr().err


@pytest.fixture
def other(toy, tmp_path):
    """A corpus that holds three of the toy corpus's texts in val and test, written otherwise."""
    folder = tmp_path / "other"
    folder.mkdir()
    texts = [text for text, _ in load_corpus(str(toy)).split("train")]
    write_csv(folder / "train.csv", [(f"A film {n}", "good" if n % 2 else "bad") for n in range(8)])
    write_csv(folder / "val.csv", [(texts[0].upper(), "good"), ("A warm ending", "bad")])
    write_csv(folder / "test.csv", [(texts[1].replace(" ", "  "), "good"), (texts[2], "bad")])
    return folder


def test_a_file_that_has_read_val_or_test_is_refused(pretrained, sentiment, other, capsys):
    words = ("--data.corpus", other, "--model.pretrained", pretrained, *FROM_FILE)
    assert sentiment("fit", *words) == 2
    assert "has read 3 of the texts in val and test" in capsys.readouterr().err


def test_texts_held_out_for_another_corpus_are_not_read(sentiment, toy, other, capsys):
    words = ("--output=lm.pt", "--data.corpus", toy, "--held_out", other, "--epochs=1", "--samples=5")
    assert sentiment("pretrain", *words, *PRETRAIN) == 0
    assert "a language model of 37 pieces" in capsys.readouterr().out
    fit = ("--data.corpus", other, "--model.pretrained=lm.pt", "--trainer.max_epochs=1", *FROM_FILE)
    assert sentiment("fit", *fit) == 0


def test_what_the_first_pretraining_read_counts_after_the_second(pretrained, sentiment, other, capsys):
    words = ("--output=on.pt", "--start", pretrained, "--data.corpus", other, "--epochs=1")
    assert sentiment("pretrain", *words, *GO_ON) == 0
    assert sentiment("fit", "--data.corpus", other, "--model.pretrained=on.pt", *FROM_FILE) == 2
    assert "on.pt has read 3 of the texts" in capsys.readouterr().err


def test_another_pretraining_goes_on_from_it(pretrained, sentiment, toy, capsys):
    before = torch.load(pretrained, weights_only=True)
    words = ("--output=on.pt", "--start", pretrained, "--data.corpus", toy, "--epochs=1", "--learning_rate=1e-9")
    assert sentiment("pretrain", *words, *GO_ON) == 0
    after = torch.load("on.pt", weights_only=True)
    assert after["tokenizer"] == before["tokenizer"]
    assert torch.allclose(after["rnn"]["weight_hh_l0"], before["rnn"]["weight_hh_l0"], atol=1e-6)


def test_going_on_needs_the_vocabulary_of_the_file(pretrained, sentiment, toy, capsys):
    words = ("--output=on.pt", "--start", pretrained, "--data.corpus", toy, *PRETRAIN)
    assert sentiment("pretrain", *words) == 2
    assert "--data.vectors=null has no effect: the pretrained file's own setting" in capsys.readouterr().err


def test_nothing_is_written_over(pretrained, sentiment, toy, capsys):
    assert sentiment("pretrain", "--output", pretrained, "--data.corpus", toy, *PRETRAIN) == 2
    assert "is there already" in capsys.readouterr().err


def test_an_output_in_no_folder_is_told_first(sentiment, toy, capsys):
    assert sentiment("pretrain", "--output=nowhere/lm.pt", "--data.corpus", toy, *PRETRAIN) == 2
    assert "folder nowhere does not exist" in capsys.readouterr().err


def test_no_text_of_val_and_test_is_read(sentiment, tmp_path, capsys):
    folder = tmp_path / "own"
    folder.mkdir()
    write_csv(folder / "train.csv", [("a warm film", "good"), ("a cold film", "bad")] * 5)
    write_csv(folder / "val.csv", [("a wise ending", "good")])
    write_csv(folder / "test.csv", [("a hollow story", "bad")])
    write_csv(
        folder / "unsupervised.csv", [("no label here at all", ""), ("A hollow story", ""), ("a wise ending", "")]
    )
    assert load_corpus(str(folder)).source.unlabelled
    words = ("--output=lm.pt", "--data.corpus", folder, "--epochs=1", "--samples=5", "--seed_everything=1")
    assert sentiment("pretrain", *words, *PRETRAIN) == 0
    assert "a language model of 11 pieces, 35 tokens" in capsys.readouterr().out


def test_unlabelled_texts_are_left_out_if_asked(sentiment, tmp_path, capsys):
    folder = tmp_path / "own"
    folder.mkdir()
    write_csv(folder / "train.csv", [("a warm film", "good"), ("a cold film", "bad")] * 5)
    write_csv(folder / "unsupervised.csv", [("no label here at all", "")])
    words = ("--output=lm.pt", "--data.corpus", folder, "--data.val_share=0", "--data.test_share=0", "--epochs=1")
    assert sentiment("pretrain", *words, "--samples=5", "--data.unlabelled=false", *PRETRAIN) == 0
    assert "a language model of 10 pieces, 30 tokens" in capsys.readouterr().out


def test_texts_of_one_token_are_refused(sentiment, tmp_path, capsys):
    write_csv(tmp_path / "words.csv", [(word, label) for word in ("warm", "cold") for label in ("good", "bad")] * 5)
    assert sentiment("pretrain", "--output=lm.pt", "--data.corpus", tmp_path / "words.csv", *PRETRAIN) == 2
    assert "has no text of two tokens" in capsys.readouterr().err


def test_stacked_directions_are_refused(sentiment, toy, capsys):
    words = ("--output=lm.pt", "--data.corpus", toy, "--model.num_layers=2", *PRETRAIN)
    assert sentiment("pretrain", *words) == 2
    assert "nothing is left to guess; set --model.num_layers=1" in capsys.readouterr().err
