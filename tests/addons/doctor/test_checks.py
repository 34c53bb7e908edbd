"""The edges of single checks: what is still a fault, and what is none any more."""

import random
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from project.addons.doctor import damage
from project.addons.doctor.columns import codings, share_right
from project.addons.doctor.copies import find_copies
from project.addons.doctor.damage import KINDS
from project.addons.doctor.labels import alike
from project.addons.doctor.report import MOST_CLASSES, rows_of_table
from project.addons.doctor.texts import visible
from project.registry import registered
from tests.addons.doctor.corpora_with_faults import changed, examine, rows, sentences, write


@pytest.mark.parametrize(
    "text",
    [
        "«\xa0C'est terminé\xa0», dit-elle ; le CAFÉ…",
        "Voilà\xa0! Où ça\xa0?",
        "A “MAÇÔ e o CORAÇÃO.",
        "GRÜẞE AUS KÖLN, Äpfel für Ø",
        "BLÅ\u2019S ÅÄÖ",
        "Привет, мир! Ελληνικά. שלום. مرحبا",
        "Tiếng Việt rất đẹp, İstanbul\u2019da",
        "好电影。とても。",
        "AT&T and R&D; fish & chips",
        "I <3 it, 3 < 5 > 2 <br /> indeed",
        "None of it. Nothing is null here.",
        ":-) ❤ 10/10 ???",
    ],
)
def test_unusual_texts_are_not_damaged(text):
    assert [kind for kind, pattern, _ in KINDS if re.search(pattern, text)] == []


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("Pos", "pos", "differ only in case, spaces or hyphens"),
        ("very good", "very-good", "differ only in case, spaces or hyphens"),
        ("postive", "positive", "differ by a letter or two"),
        ("negative", "positive", None),
        ("unhappy", "happy", None),
        ("class a", "class b", None),
        ("star1", "star2", None),
        ("$$", "$_$", None),
        ("sad", "mad", None),
    ],
)
def test_names_of_labels_that_are_alike(one, other, expected):
    assert alike(one, other, 0.1) == expected


def test_common_labels_are_no_typing_errors_of_each_other():
    assert alike("sports", "sport", 0.5) is None


@settings(max_examples=40)
@given(st.lists(st.lists(st.sampled_from("abcdefghijklmn"), max_size=14).map(" ".join), min_size=1, max_size=12))
def test_no_two_texts_are_near_that_share_less_than_nine_words_in_ten(texts):
    copies = find_copies(texts)
    words = [set(texts[list(copies.plain).index(number)].split()) for number in range(copies.plain.max() + 1)]
    for one, other in copies.pairs.tolist():
        assert 2 * len(words[one] & words[other]) >= 0.9 * (len(words[one]) + len(words[other])) > 0


def test_a_changed_word_is_found_in_nearly_all_of_a_thousand_texts():
    texts = sentences(1000)
    copies = find_copies(texts + [changed(text, number % 11) for number, text in enumerate(texts)])
    assert len({(one, other) for one, other in copies.pairs.tolist() if other == one + 1000}) >= 990


def test_of_the_texts_of_one_template_few_pairs_are_compared():
    chosen = random.Random(0)
    frame = " ".join(sentences(1, words=24))
    texts = [f"{frame} {chosen.randrange(10**6):x} number" for _ in range(1000)]
    assert len(find_copies(texts).pairs) < 40_000


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("It isn\u2019t half-baked.", "it is n't HALF baked", True),
        ("Room 12", "Room 13", False),
        ("में", "मां", False),  # marks are letters
        ("หนัง", "หน้ง", False),
        ("Oh \U0001f600", "Oh \U0001f621", False),
        ("10/10", "10 / 10!", True),
        (":)", ":(", False),
    ],
)
def test_texts_that_are_only_written_otherwise(one, other, alike):
    first, second = find_copies([one, other]).written
    assert (first == second) == alike


@pytest.mark.parametrize("texts", [["One text."], ["Equal.", "Equal."], ["1", "2", ")"]])
def test_texts_without_a_near_one(texts):
    assert len(find_copies(texts).pairs) == 0


@pytest.mark.parametrize(
    ("value", "right"),
    [
        (lambda number, label: ["no", "yes"][label], True),
        (lambda number, label: str(label + number % 7 / 10), True),
        (lambda number, label: f"{number}/{'ab'[label]}.txt", True),
        (lambda number, label: str(number), False),  # in the order of the rows, which are sorted by label
        (lambda number, label: str(number * 7919 % 10007), False),  # an id
        (lambda number, label: f"user {number % 13}", False),
        (lambda number, label: "", False),
    ],
)
def test_columns_that_tell_the_label(value, right):
    labels = np.arange(200) // 100
    values = [value(number, label) for number, label in enumerate(labels.tolist())]
    assert (max(share_right(codes, labels) for codes in codings(values)) >= 0.95) == right


def test_a_column_that_tells_the_common_class_alone_does_not_tell_the_label():
    labels = np.arange(200) % 20 == 0
    assert share_right(np.zeros(200, np.int64), labels.astype(np.int64)) == 0.5


def test_probabilities_of_a_teacher_are_no_surprise(tmp_path):
    table = [[text, label, label, *(["0.9", "0.1"] if label == "bad" else ["0.2", "0.8"])] for text, label in rows(60)]
    path = write(tmp_path / "taught.csv", table, ("text", "label", "predicted", "p_bad", "p_good"))
    assert examine(path, soft_targets=True)["findings"] == []


def test_characters_without_a_shape_are_shown_as_escapes():
    assert visible("a\x1b[31m\tb\xa0c\u200b\x85\n") == "a\\x1b[31m b c\\x200b\\x85"


def test_only_the_commonest_of_many_classes_are_in_the_table():
    facts = {"from": "train.csv", "texts": 500, "classes": {f"c{number}": number for number in range(30)}}
    names = [name for name, _ in rows_of_table({"train": facts})[1:]]
    assert names == ["from", "texts", *(f"class c{number}" for number in range(29, 29 - MOST_CLASSES, -1))]


@pytest.mark.skipif("bpe" not in registered("TOKENIZERS"), reason="no tokenizer of sub-words here")
def test_a_tokenizer_of_sub_words_splits_scripts_without_spaces(tmp_path):
    letters = "电影很好看我喜欢这部片子不错难演员导故事音乐画面"
    chosen = random.Random(0)
    table = [["".join(chosen.sample(letters, 12)), ("good", "bad")[number % 2]] for number in range(60)]
    path = write(tmp_path / "chinese.csv", table)
    kinds = {each["kind"] for each in examine(path)["findings"]}
    assert {"no spaces", "unknown words"} <= kinds
    assert examine(path, tokenizer="bpe", bpe_size=300)["findings"] == []


@pytest.mark.parametrize(("brought", "best"), [({"unicode": "", "bpe": ""}, "unicode"), ({"bpe": ""}, "bpe")])
def test_for_scripts_without_spaces_the_best_tokenizer_here_is_named(tmp_path, monkeypatch, brought, best):
    monkeypatch.setattr(damage, "registered", lambda _: brought)
    table = [[chr(0x4E00 + number) * 9, ("good", "bad")[number % 2]] for number in range(60)]
    found = examine(write(tmp_path / "chinese.csv", table))["findings"]
    assert [each["advice"] for each in found if each["kind"] == "no spaces"] == [f"--data.tokenizer={best}"]
