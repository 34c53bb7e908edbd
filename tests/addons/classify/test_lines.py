import io

import pytest

from project.addons.classify.lines import answered_lines
from project.errors import UserError
from project.text import text_fault


class Stream(io.BytesIO):
    """Standard input that hands out so many bytes at a time."""

    def __init__(self, content: bytes, size: int = 99) -> None:
        super().__init__(content)
        self.size = size

    def read1(self, _: int | None = -1) -> bytes:
        return self.read(self.size)


def answers(stream: Stream, empty: str | None = None) -> list[str]:
    return list(answered_lines(stream, lambda texts: [f"!{text}" for text in texts], text_fault, empty))  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_lines_come_out_in_order_however_they_come_in(size):
    assert answers(Stream(b"A dull film.\r\nCaf\xc3\xa9\nno end", size)) == ["!A dull film.", "!Café", "!no end"]


def test_no_line_no_answer():
    assert answers(Stream(b"")) == []


def test_a_bad_line_is_named():
    with pytest.raises(UserError, match="standard input:2: the text is empty; fix it, or add --bad_rows=skip"):
        answers(Stream(b"Warm.\n\nCold.\n"))


def test_a_bad_line_keeps_its_place():
    assert answers(Stream(b"Warm.\nCaf\xe9\nCold.\n"), empty="-") == ["!Warm.", "-Caf?", "!Cold."]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_byte_order_mark_is_no_part_of_the_first_text(size):
    assert answers(Stream(b"\xef\xbb\xbfWarm.\nCold.\n", size)) == ["!Warm.", "!Cold."]


def test_byte_order_mark_of_a_line_without_end():
    assert answers(Stream(b"\xef\xbb\xbfWarm.")) == ["!Warm."]


def test_a_line_without_end_is_refused(monkeypatch):
    monkeypatch.setattr("project.addons.classify.lines.LONGEST", 50)
    with pytest.raises(UserError, match="standard input: a line has more than 50 bytes"):
        answers(Stream(b"a" * 100, 20))
