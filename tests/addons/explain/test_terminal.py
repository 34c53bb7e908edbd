import pytest

from project.addons.explain.effects import Explanation
from project.addons.explain.terminal import coloured, print_explanation
from project.decision import Prediction
from project.predict import WordEffect


def explanation(label: str, **effects: float) -> Explanation:
    return Explanation(
        Prediction(label, 0.75, {"bad": 0.25, "good": 0.75}), [WordEffect(*each, "good") for each in effects.items()]
    )


def printed(capsys, text: str, found: Explanation, most: int = 5) -> list[str]:
    print_explanation(text, found, most)
    return capsys.readouterr().out.splitlines()


def test_label_probabilities_and_words_are_legible_without_colour(capsys):
    assert printed(capsys, "warm dull film", explanation("good", warm=0.25, dull=-0.125, film=0.0)) == [
        "warm dull film",
        "  good: bad 25.0 %, good 75.0 %",
        "  for good: warm +25.0",
        "  against good: dull -12.5",
        "",
    ]


def test_abstaining_model_says_so(capsys):
    lines = printed(capsys, "warm", explanation("", warm=0.25))
    assert lines[1:3] == ["  no label, most probably good: bad 25.0 %, good 75.0 %", "  for good: warm +25.0"]


def test_text_in_which_no_word_matters_says_so(capsys):
    assert "no word changes the probability" in printed(capsys, "film", explanation("good", film=0.0))[2]


def test_words_have_a_style_by_their_effect():
    shown = coloured("warm dull film more", explanation("good", warm=0.25, dull=-0.25, film=0.0))
    assert shown.plain == "warm dull film more"
    assert {shown.plain[span.start : span.end]: span.style for span in shown.spans if span.style} == {
        "warm": "bold green",
        "dull": "underline red",
    }


@pytest.mark.parametrize("text", ["[red]x", "\x1b[31mx", "x\x07"])
def test_no_text_is_markup_or_control(capsys, text):
    out = "\n".join(printed(capsys, text, Explanation(explanation("good").prediction, [WordEffect(text, 0.5, "good")])))
    assert out.count(text.replace("\x1b", " ").replace("\x07", " ").strip()) == 2
    assert "\x1b" not in out
    assert "\x07" not in out
