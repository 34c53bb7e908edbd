import shutil
from contextlib import redirect_stdout
from io import StringIO

import pytest
import torch

from project.corpora import load_corpus
from tests.conftest import PLAIN, run_sentiment, write_csv

RESUMED = [word for word in PLAIN if not word.startswith(("--model", "--data.vectors"))]
PRETRAIN = [word for word in PLAIN if not word.startswith("--trainer")]
WEIGHT = "encoder.rnn.weight_hh_l0_reverse"


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


def test_perplexity_is_printed_and_saved(pretrained_once):
    path, printed = pretrained_once
    facts = torch.load(path, weights_only=True)["facts"]
    assert facts["epochs"] == 2
    assert f"after 2 of 2 epochs: perplexity {facts['perplexity']:.1f} on val" in printed


@pytest.fixture(scope="module")
def started(pretrained_once, toy, tmp_path_factory):
    """The last checkpoint of an epoch that started from a copy of the file, since removed, and what was printed."""
    folder = tmp_path_factory.mktemp("started")
    copy = shutil.copy(pretrained_once[0], folder / "copy.pt")
    words = ("--model.init_from", copy, "--trainer.max_epochs=1", "--model.learning_rate=1e-9")
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()) as printed:
        patch.chdir(folder)
        assert run_sentiment("fit", "--data.corpus", toy, "--test_after_fit=false", *words, *PLAIN) == 0
    copy.unlink()
    return folder / "runs" / "version_0" / "checkpoints" / "last.ckpt", printed.getvalue()


def test_fit_starts_from_the_file(pretrained, started):
    path, printed = started
    checkpoint = torch.load(path, weights_only=True)["state_dict"]
    content = torch.load(pretrained, weights_only=True)
    assert torch.allclose(checkpoint[f"network.{WEIGHT}"], content["weights"][WEIGHT], atol=1e-6)
    assert torch.allclose(checkpoint["network.embedding.trained.weight"], content["vectors"], atol=1e-6)
    count = len(content["words"])
    copy = path.parents[3] / "copy.pt"
    assert f"started from {copy}: 8 of 8 weights, vectors of {count} of {count} tokens" in printed


def test_labels_are_not_needed_so_that_there_may_be_any_number_of_them(sentiment, tmp_path, capsys):
    pytest.importorskip("project.addons.multilabel")
    folder = tmp_path / "moods"
    folder.mkdir()
    for split, labels in {"train": ["joy|calm", "", "fear"], "val": ["fear|joy"], "test": [""]}.items():
        write_csv(
            folder / f"{split}.csv", [(f"A {split} text number {n}.", label) for n, label in enumerate(labels * 4)]
        )
    words = ("--output=lm.pt", "--epochs=1", "--samples=5", "--data.labels=any")
    assert sentiment("pretrain", f"--data.corpus={folder}", *words, *PRETRAIN) == 0
    assert "training a language model on 12 pieces of text" in capsys.readouterr().out


@pytest.mark.slow
def test_vectors_are_matched_by_word_on_another_corpus(pretrained, sentiment, tmp_path):
    write_csv(tmp_path / "own.csv", [(f"The zesty film {n}", "good" if n % 2 else "bad") for n in range(20)])
    words = ("--data.corpus", tmp_path / "own.csv", "--data.vectors", pretrained, "--model.init_from", pretrained)
    small = [word for word in PLAIN if not word.startswith("--data.vectors")]
    short = ("--trainer.max_epochs=1", "--model.learning_rate=1e-9", "--test_after_fit=false")
    assert sentiment("fit", *words, *short, *small) == 0
    checkpoint = torch.load("runs/version_0/checkpoints/last.ckpt", weights_only=True)
    tokens, content = checkpoint["sentiment"]["tokenizer"]["tokens"], torch.load(pretrained, weights_only=True)
    assert {"zesty", "lovely"} <= set(tokens)  # of train, of the file
    assert "zesty" not in content["words"]
    ours = checkpoint["state_dict"]["network.embedding.trained.weight"][tokens.index("film")]
    assert torch.allclose(ours, content["vectors"][content["words"].index("film")], atol=1e-6)


@pytest.mark.slow
def test_a_resumed_run_no_longer_needs_the_file(started, sentiment, toy):
    words = ("--data.corpus", toy, "--test_after_fit=false", "--trainer.max_epochs=2")
    assert sentiment("fit", "--ckpt_path", started[0], *words, *RESUMED) == 0


@pytest.fixture
def other(toy, tmp_path):
    """A corpus that holds three of the toy corpus's texts in val and test, with other case and spacing."""
    folder = tmp_path / "other"
    folder.mkdir()
    texts = [text for text, _ in load_corpus(str(toy)).split("train")]
    write_csv(folder / "train.csv", [(f"A film {n}", "good" if n % 2 else "bad") for n in range(8)])
    write_csv(folder / "val.csv", [(texts[0].upper(), "good"), ("A warm ending", "bad")])
    write_csv(folder / "test.csv", [(texts[1].replace(" ", "  "), "good"), (texts[2], "bad")])
    return folder


@pytest.mark.slow
def test_a_file_that_has_read_val_or_test_is_refused(pretrained, sentiment, other, capsys):
    words = ("--data.corpus", other, "--model.init_from", pretrained, *PLAIN)
    assert sentiment("fit", *words) == 2
    assert "has read 3 of the texts in val and test" in capsys.readouterr().err


@pytest.mark.slow
def test_held_out_texts_of_another_corpus_are_not_read(sentiment, toy, other, capsys):
    words = ("--output=lm.pt", "--data.corpus", toy, "--held_out", other, "--epochs=1", "--samples=5")
    assert sentiment("pretrain", *words, *PRETRAIN) == 0
    assert "a language model on 37 pieces" in capsys.readouterr().out
    fit = ("--data.corpus", other, "--model.init_from=lm.pt", "--trainer.max_epochs=1", "--test_after_fit=false")
    assert sentiment("fit", *fit, *PLAIN) == 0


def test_texts_read_by_an_earlier_pretraining_are_remembered(pretrained, sentiment, other, capsys):
    words = ("--output=on.pt", "--start", pretrained, "--data.corpus", other, "--epochs=1")
    assert sentiment("pretrain", *words, *PRETRAIN) == 0
    assert sentiment("fit", "--data.corpus", other, "--model.init_from=on.pt", *PLAIN) == 2
    assert "on.pt has read 3 of the texts" in capsys.readouterr().err


def test_another_pretraining_can_continue_from_the_file(pretrained, sentiment, toy):
    words = ("--output=on.pt", "--start", pretrained, "--data.corpus", toy, "--epochs=1", "--learning_rate=1e-9")
    assert sentiment("pretrain", *words, *PRETRAIN) == 0
    before, after = (torch.load(path, weights_only=True)["weights"][WEIGHT] for path in (pretrained, "on.pt"))
    assert torch.allclose(after, before, atol=1e-6)


def test_an_existing_file_is_not_overwritten(pretrained, sentiment, toy, capsys):
    assert sentiment("pretrain", "--output", pretrained, "--data.corpus", toy, *PRETRAIN) == 2
    assert "exists already" in capsys.readouterr().err


def test_a_missing_output_folder_is_reported(sentiment, toy, capsys):
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
    assert "a language model on 11 pieces of text, 35 tokens" in capsys.readouterr().out


def test_unlabelled_texts_can_be_left_out(sentiment, tmp_path, capsys):
    folder = tmp_path / "own"
    folder.mkdir()
    write_csv(folder / "train.csv", [("a warm film", "good"), ("a cold film", "bad")] * 5)
    write_csv(folder / "unsupervised.csv", [("no label here at all", "")])
    words = ("--output=lm.pt", "--data.corpus", folder, "--data.val_share=0", "--data.test_share=0", "--epochs=1")
    assert sentiment("pretrain", *words, "--samples=5", "--unlabelled=false", *PRETRAIN) == 0
    assert "a language model on 10 pieces of text, 30 tokens" in capsys.readouterr().out


def test_texts_of_one_token_are_refused(sentiment, tmp_path, capsys):
    write_csv(tmp_path / "words.csv", [(word, label) for word in ("warm", "cold") for label in ("good", "bad")] * 5)
    assert sentiment("pretrain", "--output=lm.pt", "--data.corpus", tmp_path / "words.csv", *PRETRAIN) == 2
    assert "has no text of at least two tokens" in capsys.readouterr().err


def test_stacked_bidirectional_layers_are_refused(sentiment, toy, capsys):
    words = ("--output=lm.pt", "--data.corpus", toy, "--model.encoder.num_layers=2", *PRETRAIN)
    assert sentiment("pretrain", *words) == 2
    assert "there is nothing left to predict; set --model.encoder.num_layers=1" in capsys.readouterr().err
