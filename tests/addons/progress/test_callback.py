import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from project.addons.progress import callback
from project.addons.progress.callback import padding_share, shown_figures, tokenizer_lines
from project.buckets import BucketSampler
from tests.conftest import SMALL


def lines(printed: str, pattern: str) -> list[str]:
    return re.findall(pattern, printed, re.MULTILINE)


@pytest.fixture
def printed(fitted_once) -> str:
    return (fitted_once / "printed.txt").read_text()


def test_a_fit_begins_with_vocabulary_network_and_batches(printed):
    assert lines(printed, r"^network: [\d,]+ trained parameters \(.* encoder, .*\), 32-true on CPU, recurrence \w+$")
    assert lines(printed, r"^vocabulary: \d+ words of train; \d+\.\d% of the words of val are unknown$")
    assert lines(printed, r"^train: 40 texts, [\d,]+ tokens; padding is \d+\.\d% of the batches' cells$")


def test_each_epoch_has_a_line(printed):
    figures = r"train/loss \d\.\d{4}  val/loss \d\.\d{4}  val/accuracy \d\.\d{4}  [\d,]+ tokens/s  \d+\.\d s"
    assert len(lines(printed, rf"^epoch [12] of 2  {figures}(?:  best so far)?$")) == 2


def test_of_any_number_of_labels_macro_f1_is_in_the_line_too():
    figures = {"train/loss": 0.5, "val/loss": 0.25, "val/accuracy": 0.0, "val/f1": 0.75, "val/auroc": 0.5}
    shown = ["train/loss 0.5000", "val/loss 0.2500", "val/accuracy 0.0000"]
    assert shown_figures(figures, "val/accuracy") == shown
    assert shown_figures(figures | {"val/f1_micro": 0.5}, "val/accuracy") == [*shown, "val/f1 0.7500"]


def test_the_first_epoch_is_the_best_so_far(printed):
    assert lines(printed, r"^epoch 1 of 2  .*  best so far$")


def test_the_end_says_which_epoch_was_best(printed):
    marked = lines(printed, r"^epoch (\d) of 2  .*  best so far$")
    (best,) = lines(printed, r"^best epoch: (\d), val/accuracy .*val/loss")
    assert best == marked[-1]


def test_a_fit_that_ends_early_says_why(capsys):
    stopping = SimpleNamespace(stopped_epoch=6, patience=4, monitor="val/accuracy")
    trainer: Any = SimpleNamespace(early_stopping_callbacks=[stopping])
    callback.Progress().on_train_end(trainer, cast(Any, None))
    assert capsys.readouterr().out == "stopped: 4 epochs without a better val/accuracy\n"


@pytest.fixture
def brought(monkeypatch):
    """The tokenizers of this tree, which a test may change."""
    names = {"unicode": "", "bpe": ""}
    monkeypatch.setattr(callback, "registered", lambda _: names)
    return names


def test_usual_figures_need_no_word(brought):
    assert tokenizer_lines("basic_english", 0.2, 2.0) == []


def test_texts_of_about_one_token_are_told_with_the_tokenizer_for_them(brought):
    line = "a text has 1.2 tokens on average: texts without spaces between words need "
    assert tokenizer_lines("basic_english", 0.0, 1.2) == [f"{line}--data.tokenizer=unicode"]
    assert tokenizer_lines("unicode", 0.0, 1.2) == [f"{line}--data.tokenizer=bpe"]
    brought.clear()
    assert tokenizer_lines("basic_english", 0.0, 1.2) == [f"{line}an add-on with another tokenizer"]


@pytest.mark.parametrize(
    ("scheme", "names", "advice"),
    [
        ("basic_english", ["bpe"], "--data.tokenizer=bpe leaves none unknown and --data.min_freq=1 keeps rare ones"),
        ("basic_english", [], "--data.min_freq=1 keeps rare ones"),
        ("unicode", ["bpe"], "--data.tokenizer=bpe leaves none unknown"),
        ("unicode", [], "train has too few texts"),
    ],
)
def test_many_unknown_words_are_told_with_what_helps(brought, scheme, names, advice):
    for name in {"bpe", "unicode"} - {*names}:
        del brought[name]
    assert tokenizer_lines(scheme, 0.201, 9.0) == [f"many words of val are unknown, 20.1%: {advice}"]


@pytest.mark.slow
def test_unknown_words_are_told_with_what_to_do(sentiment, tmp_path, capsys):
    rows = [f"{chr(0x4E00 + 3 * n)}{chr(0x5E00 + 7 * n)},{'ab'[n % 2]}" for n in range(60)]
    (tmp_path / "rows.csv").write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    assert sentiment("fit", f"--data.corpus={tmp_path / 'rows.csv'}", "--trainer.max_epochs=1", *SMALL) == 0
    printed = capsys.readouterr().out
    assert lines(printed, r"^a text has 1\.0 tokens on average: texts without spaces between words need ")
    assert lines(printed, r"^many words of val are unknown, \d+\.\d%: --data\.")


@pytest.mark.slow
def test_the_share_of_words_with_a_vector_is_told(sentiment, toy, capsys):
    Path("vectors.txt").write_text("film 1 1\nunheard 2 2\n")
    words = ("--data.vectors=vectors.txt", "--model.embedding_dim=2", "--trainer.max_epochs=1")
    assert sentiment("fit", f"--data.corpus={toy}", *SMALL, *words) == 0
    told = r"words of train, \d+\.\d% of them with pretrained vectors of 2 dimensions, and 1 more pretrained words;"
    assert lines(capsys.readouterr().out, told)


def test_padding_share_counts_empty_cells():
    assert padding_share([1, 3, 2, 2], BucketSampler([1, 3, 2, 2], 2, shuffle=False), 2) == pytest.approx(1 - 8 / 10)
