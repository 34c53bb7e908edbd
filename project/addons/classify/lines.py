"""Lines of a stream -> an answer for each, as soon as it can be read; those that wait are answered together."""

import codecs
from collections.abc import Callable, Iterator, Sequence
from io import BufferedReader

from project.errors import UserError

LONGEST = 10_000_000  # bytes of a line
CHUNK = 65_536  # bytes that are read at once, if so many wait


def answered_lines(
    stream: BufferedReader,
    answer: Callable[[Sequence[str]], Sequence[str]],
    text_fault: Callable[[object], str | None],
    empty: str | None,
) -> Iterator[str]:
    """Yield the answer to each line of `stream`.

    Args:
        stream: UTF-8; a byte order mark at its start is no part of the first text.
        answer: Answers texts.
        text_fault: Checks a text.
        empty: The start of a bad line's answer, before the line itself; None to stop at the first one.

    Raises:
        UserError: A line is no text, and `empty` is None.
    """
    number = 0
    for lines in _waiting_lines(stream):
        texts = [line.removesuffix(b"\r").decode("utf-8", "surrogateescape") for line in lines]
        faults = [text_fault(text) for text in texts]
        for line, fault in enumerate(faults, start=number + 1):
            if fault and empty is None:
                raise UserError(f"standard input:{line}: {fault}; fix it, or add --bad_rows=skip")
        answers = iter(answer([text for text, fault in zip(texts, faults, strict=True) if not fault]))
        for text, fault in zip(texts, faults, strict=True):
            yield f"{empty}{text.encode('utf-8', 'replace').decode()}" if fault else next(answers)
        number += len(lines)


def _waiting_lines(stream: BufferedReader) -> Iterator[list[bytes]]:
    rest, mark = b"", codecs.BOM_UTF8
    while chunk := stream.read1(CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        if lines:
            lines[0], mark = lines[0].removeprefix(mark), b""
        if len(rest) > LONGEST:
            raise UserError(f"standard input: a line has more than {LONGEST:,} bytes; split the text, or give a file")
        yield lines
    if rest:  # the last line has no end
        yield [rest.removeprefix(mark)]
