# ruff: noqa: RUF001 # letters that look like others are meant
import json
import os
import subprocess
import sys

import pytest

from project import load
from project.addons.unicode import unicode_tokenizer
from project.addons.unicode.unicode_tokenizer import SAMPLE, UnicodeTokenizer
from project.corpora import load_corpus
from project.errors import UserError
from project.registry import ROOT
from project.text import SPECIALS, Tokenizer
from tests.conftest import SMALL, run_sentiment, test_figures, write_csv

CHECKPOINT = "runs/version_0/checkpoints/best.ckpt"


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    monkeypatch.setenv("SENTIMENT_CACHE", str(tmp_path / "cache"))
    write_csv(tmp_path / "train.csv", [("好看！好 :)", "good"), ("不好。 :)", "bad")])
    write_csv(tmp_path / "val.csv", [("难看难看", "bad")])
    return load_corpus(str(tmp_path))


def printed(code, folder):
    """What Python code prints in a process of its own."""
    env = os.environ | {"PYTHONPATH": str(ROOT.parent)}
    return subprocess.check_output([sys.executable, "-c", code], cwd=folder, env=env, text=True)


def learned(corpus, max_length=256, truncation="head", min_freq=2, max_vocab_size=None):
    options = {"max_length": max_length, "truncation": truncation}
    options |= {"min_freq": min_freq, "max_vocab_size": max_vocab_size}
    return UnicodeTokenizer.for_corpus(lambda: corpus, options)


@pytest.mark.parametrize(
    ("options", "tokens"), [({}, ["好", ":)"]), ({"min_freq": 3}, ["好"]), ({"max_vocab_size": 1}, ["好"])]
)
def test_the_vocabulary_is_what_train_has_often_enough(corpus, options, tokens):
    assert learned(corpus, **options).tokens == [*SPECIALS, *tokens]


def test_train_is_counted_once(corpus):
    first = learned(corpus).tokens
    (corpus.folder / "train.arrow").unlink()
    assert learned(corpus).tokens == first


def test_a_text_becomes_ids_and_what_is_unknown_one_id():
    assert UnicodeTokenizer([*SPECIALS, "不", "好"]).encode("不好！") == [2, 3, 1]


@pytest.mark.parametrize("text", ["", " \u3000", "\u200b"])
def test_a_text_without_tokens_is_an_unknown_one(text):
    assert UnicodeTokenizer(SPECIALS).encode(text) == [1]


def test_it_travels_in_the_state_as_plain_types(corpus):
    tokenizer = learned(corpus, 3, "tail")
    again = Tokenizer.from_state(json.loads(json.dumps(tokenizer.state())))
    assert type(again) is UnicodeTokenizer
    assert again.state() == tokenizer.state()
    assert again.encode("真的不好 :)") == tokenizer.encode("真的不好 :)") == [1, 2, 3]


def test_a_state_whose_rules_split_differently_is_refused(monkeypatch):
    state = UnicodeTokenizer(SPECIALS).state()
    monkeypatch.setattr(unicode_tokenizer, "SAMPLE", f"{SAMPLE} more")
    with pytest.raises(UserError, match=r"trained with regex 20\S+, and this version splits a sample text differently"):
        Tokenizer.from_state(state)


def test_without_the_package_its_extra_is_named(sentiment, toy, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "regex", None)
    for name in ("segments", "unicode_tokenizer"):
        monkeypatch.delitem(sys.modules, f"project.addons.unicode.{name}", raising=False)
    assert sentiment("fit", f"--data.corpus={toy}", "--data.tokenizer=unicode", *SMALL) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error == "error: sentiment fit needs regex: pip install -e '.[unicode]'"


def test_it_needs_no_torch():
    make = "import project.addons.unicode.unicode_tokenizer as it; it.UnicodeTokenizer(['<pad>', '<unk>']).state()"
    assert printed(f"{make}; import sys; print({{'torch', 'pyarrow'}} & set(sys.modules))", ROOT.parent) == "set()\n"


@pytest.fixture(scope="module")
def chinese(tmp_path_factory):
    """The folder with the file, the run of a fit on it and, if there is export, its bundle."""
    folder = tmp_path_factory.mktemp("chinese")
    things = "电影音乐故事演员结尾画面"
    rows = [(f"{a}{b}{'不' * bad}好看", ("good", "bad")[bad]) for a in things for b in things for bad in (0, 1)]
    write_csv(folder / "rows.csv", rows)
    quicker = [word for word in SMALL if "hidden_size" not in word]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        learn = ("--data.tokenizer=unicode", "--trainer.max_epochs=5", *quicker)
        assert run_sentiment("fit", "--data.corpus=rows.csv", *learn) == 0
        if (ROOT / "export").is_dir():
            assert run_sentiment("export", "--ckpt_path", folder / CHECKPOINT, "--output", "bundle") == 0
    return folder


@pytest.mark.slow
def test_a_chinese_file_is_learned(chinese):
    assert test_figures(chinese / "runs/version_0")["test/accuracy"] == 1.0


@pytest.mark.slow
def test_a_checkpoint_keeps_the_tokenizer(chinese, monkeypatch):
    monkeypatch.chdir(chinese)
    words = ("--data.corpus=rows.csv", "--trainer.enable_progress_bar=false")
    assert run_sentiment("test", f"--ckpt_path={CHECKPOINT}", *words) == 0
    assert test_figures("runs/version_1") == pytest.approx(test_figures("runs/version_0"), abs=1e-6)


@pytest.mark.slow
def test_a_bundle_answers_like_the_checkpoint(chinese):
    pytest.importorskip("project.export")
    answers = [load(chinese / place)(["音乐好看", "音乐不好看"]) for place in (CHECKPOINT, "bundle")]
    assert [[answer.label for answer in each] for each in answers] == [["good", "bad"]] * 2
    assert answers[1][0].probability == pytest.approx(answers[0][0].probability, abs=1e-5)


@pytest.mark.slow
def test_a_bundle_answers_without_torch(chinese):
    pytest.importorskip("project.export")
    check = (
        "import sys; sys.modules['torch'] = sys.modules['pyarrow'] = None\n"
        "from project import load; print(load('bundle')('音乐不好看').label)"
    )
    assert printed(check, chinese) == "bad\n"


@pytest.mark.slow
def test_the_server_answers(chinese, tmp_path):
    pytest.importorskip("project.serve")
    from tests.serve.conftest import Running

    server = Running(chinese / "bundle", tmp_path / "log")
    try:
        assert server.ask("GET", "/info").json["tokenizer"]["scheme"] == "unicode"
        assert (
            server.ask("POST", "/explain", {"text": "音乐不好看"}).json["explanation"]["prediction"]["label"] == "bad"
        )
    finally:
        server.process.terminate()
        server.process.wait()
