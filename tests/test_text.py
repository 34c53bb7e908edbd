import pytest
from hypothesis import given
from hypothesis import strategies as st
from torchtext.data.utils import get_tokenizer

from project import text
from project.errors import UserError
from project.text import Tokenizer, Truncation, basic_english, text_fault

VOCABULARY = ["<pad>", "<unk>", "a", "b", "c", "d", "e"]


def test_basic_english_on_a_sentence():
    assert basic_english('"It\'s (not) bad!"<br />Really; well... ok?') == [
        *("it", "'", "s", "(", "not", ")", "bad", "!"),
        *("really", "well", ".", ".", ".", "ok", "?"),
    ]


@given(st.text() | st.text(alphabet="aB '\".,()!?;:\t\n<br/>"))
def test_basic_english_equals_torchtext(text):
    assert basic_english(text) == get_tokenizer("basic_english")(text)


def test_known_and_unknown_tokens():
    assert Tokenizer(VOCABULARY).encode("A b zebra") == [2, 3, 1]


@pytest.mark.parametrize("text", ["", "   ", '""', "\u2003"])
def test_text_without_tokens_is_one_unk(text):
    assert Tokenizer(VOCABULARY).encode(text) == [1]


def test_text_that_spells_pad_is_not_padding():
    assert Tokenizer(VOCABULARY).encode("<pad> a") == [1, 2]


@pytest.mark.parametrize(
    ("truncation", "max_length", "expected"),
    [
        ("head", 3, [2, 3, 4]),
        ("tail", 3, [4, 5, 6]),
        ("head+tail", 3, [2, 3, 6]),
        ("head+tail", 4, [2, 3, 5, 6]),
        ("head+tail", 1, [2]),
        ("tail", 1, [6]),
        ("tail", 5, [2, 3, 4, 5, 6]),
    ],
)
def test_truncation(truncation: Truncation, max_length: int, expected: list[int]):
    assert Tokenizer(VOCABULARY, max_length, truncation).encode("a b c d e") == expected


@given(st.text(), st.integers(1, 5), st.sampled_from(["head", "tail", "head+tail"]))
def test_every_text_has_1_to_max_length_ids_of_the_vocabulary(text, max_length, truncation):
    ids = Tokenizer(VOCABULARY, max_length, truncation).encode(text)
    assert 1 <= len(ids) <= max_length
    assert set(ids) <= set(range(1, len(VOCABULARY)))


def test_state_rebuilds_the_tokenizer():
    tokenizer = Tokenizer(VOCABULARY, 4, "head+tail")
    assert Tokenizer.from_state(tokenizer.state()).state() == tokenizer.state()


def test_state_of_another_scheme_is_refused():
    state = Tokenizer(VOCABULARY).state()
    state["scheme"] = "runes"
    with pytest.raises(UserError, match="runes"):
        Tokenizer.from_state(state)


@pytest.mark.parametrize("tokens", [["a", "b"], [*VOCABULARY, "a"]])
def test_vocabulary_without_specials_or_with_a_token_twice_is_refused(tokens):
    with pytest.raises(ValueError, match="vocabulary"):
        Tokenizer(tokens)


def test_max_length_below_one_is_refused():
    with pytest.raises(UserError, match="max_length"):
        Tokenizer(VOCABULARY, 0)


@pytest.mark.parametrize("text", ["null", "NA", "None", "nan", "0", "\U0001f600"])
def test_every_word_is_text(text):
    assert text_fault(text) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (None, "missing"),
        (5, "not text but 5"),
        ("  ", "empty"),
        ("a\0b", "NUL"),
        (b"Caf\xe9".decode("utf-8", "surrogateescape"), "not valid UTF-8"),
    ],
)
def test_faults_of_texts(text, fault):
    assert fault in str(text_fault(text))


def test_a_change_of_code_that_splits_as_before_is_told_in_one_line(capsys):
    state = Tokenizer(VOCABULARY).state() | {"code": "another"}
    text._note_changed_code.cache_clear()
    for _ in range(2):
        Tokenizer.from_state(state)
    assert capsys.readouterr().err == (
        "project/text.py has changed since the model was trained; a sample text is split as before\n"
    )


def test_a_tokenizer_that_splits_differently_is_an_error(monkeypatch):
    state = Tokenizer(VOCABULARY).state()
    monkeypatch.setattr(text, "basic_english", str.split)
    with pytest.raises(UserError, match=r"project/text\.py splits a sample text differently now; restore the file, or"):
        Tokenizer.from_state(state)
