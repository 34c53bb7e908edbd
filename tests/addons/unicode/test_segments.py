# ruff: noqa: RUF001 # letters that look like others are meant
import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from project.addons.unicode.segments import folded, segments

SPACELESS = r"\p{Line_Break=Complex_Context}"  # Thai, Lao, Burmese, Khmer and their like


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("不好看，我不喜欢。", ["不", "好", "看", "，", "我", "不", "喜", "欢", "。"]),
        ("とてもカワイイ！", ["と", "て", "も", "カワイイ", "！"]),
        ("영화가 좋아요", ["영화가", "좋아요"]),
        ("फिल्म अच्छी है।", ["फिल्म", "अच्छी", "है", "।"]),
        ("الفيلم جميل، جداً!", ["الفيلم", "جميل", "،", "جداً", "!"]),
        ("הסרט טוב (מאוד)", ["הסרט", "טוב", "(", "מאוד", ")"]),
        ("Фильм не плох...", ["фильм", "не", "плох", ".", ".", "."]),
    ],
)
def test_words_of_scripts(text, tokens):
    assert segments(text) == tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("ไม่ดีทำ", ["ไม่ดี", "ม่ดีทำ"]),
        ("ດີຫຼາຍ", ["ດີຫຼາ", "ຫຼາຍ"]),
        ("ល្អណាស់", ["ល្អណាស់"]),
        ("ကောင်း", ["ကောင်", "ာင်း"]),
        ("ดี 100% กับ iPhone", ["ดี", "100", "%", "กับ", "iphone"]),
    ],
)
def test_scripts_whose_words_only_a_dictionary_finds_fall_into_triples_of_clusters(text, tokens):
    assert segments(text) == tokens


@pytest.mark.parametrize("text", ["İYİ", "iyi", "I\u0307YI\u0307", "i\u0307yi\u0307"])
def test_the_dotted_i_of_turkish_is_an_i(text):
    assert segments(text) == ["iyi"]


def test_the_dotless_i_of_turkish_stays():
    assert segments("Sıkıcı değil") == ["sıkıcı", "değil"]


@pytest.mark.parametrize("text", ["Don't", "don\u2019t", "DON'T"])
def test_a_contraction_is_one_token_however_its_apostrophe_is_written(text):
    assert segments(text) == ["don't"]


@pytest.mark.parametrize(
    "emoticon",
    [":-)", ";)", ":)", ":D", ":-D", ":P", ":'(", "=)", ":/", ":o", "(:", "(-:", "<3", "</3", "^_^", ">_<"],
)
def test_an_emoticon_is_one_token(emoticon):
    assert segments(f"well {emoticon} then") == ["well", emoticon.lower(), "then"]


def test_an_emoticon_may_follow_a_word_or_a_script_without_spaces():
    assert segments("good:) 好:D ดี:(") == ["good", ":)", "好", ":d", "ดี", ":("]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("http://a.b", ["http", ":", "/", "/", "a", ".", "b"]),
        ("at 10:30", ["at", "10", ":", "30"]),
        ("a:dull", ["a", ":", "dull"]),
        ("I <30", ["i", "<", "30"]),
        ("(note: 3)", ["(", "note", ":", "3", ")"]),
    ],
)
def test_what_only_looks_like_an_emoticon_falls_apart(text, tokens):
    assert segments(text) == tokens


@pytest.mark.parametrize("emoji", ["👍", "👍🏽", "👩🏽‍🚀", "👨‍👩‍👧", "🇩🇪", "❤️", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"])
def test_an_emoji_is_one_token(emoji):
    assert segments(f"ok{emoji}{emoji} 好{emoji}") == ["ok", emoji, emoji, "好", emoji]


def test_punctuation_stands_apart_but_not_in_numbers():
    assert segments('"Good"(?), 3.14 of 1,000.End') == [
        *('"', "good", '"', "(", "?", ")", ",", "3.14", "of", "1,000", ".", "end"),
    ]


def test_accents_are_composed_and_invisible_characters_dropped():
    assert segments("\ufeffcafe\u0301 \u200fطيب\u200f a\u200bb co\u00adop") == ["café", "طيب", "a", "b", "coop"]


def test_a_break_of_lines_in_html_is_a_space():
    assert segments("one<br />two<BR />three") == ["one", "two", "three"]


OTHER = "a.:)(-3^_<>=;'dİi\u0307好🇩👍🏽\u200d\ufe0f \u0308\r\n\u2028"


@given(st.text() | st.text(OTHER + "ก้ำ"))
@example(" \u0308")
@example("\r\n\u200d")
def test_no_token_is_empty_or_holds_white_space(text):
    assert not any(token.split() != [token] for token in segments(text))


@given(st.text(st.characters().filter(lambda letter: not regex.match(SPACELESS, letter))) | st.text(OTHER))
def test_joined_tokens_are_the_folded_text_without_its_white_space(text):
    assert "".join(segments(text)) == "".join(folded(text).split())


@given(st.text("ก้ำดีไม่า", min_size=1))
def test_the_beginnings_of_triples_and_the_end_of_the_last_are_the_text(text):
    clusters = [regex.findall(r"\X", token) for token in segments(text)]
    assert "".join([*(first for first, *_ in clusters), *clusters[-1][1:]]) == folded(text)
    assert {len(each) for each in clusters[1:]} <= {3}
