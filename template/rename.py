"""The template's names -> the user's, by the kind of file: in Python by token, elsewhere by what stands around a word.

The names of this folder's own rules are `project` (the package) and `sentiment` (everything else). The words stay where
they mean something else: the table ``[project]`` of TOML, W&B's ``project=``, titles of publications.
"""

import io
import keyword
import re
import tokenize
from dataclasses import dataclass

from template.names import Names

# Where the package is meant: a path, a module, an extra, a whole word in quotation marks or a table, a choice of a
# pattern, what is run or imported.
PACKAGE = re.compile(
    r"""(?<![\w-])project(?=/)|(?<=/)project(?=[\s"',;]|-\d|$)|(?<![\w\[./-])project(?=\\?\.[A-Za-z_*]|\.["'])"""
    r"""|(?<=["'])project(?=["'\[*]|, )|(?<=`)project(?=`)|(?<=\| )project(?= \|)|^project(?=  )"""
    r"""|(?<=\()project(?=\[)|(?<=[:(|])project(?=\|)|"""
    r"""(?:(?<=-m )|(?<=pip install )|(?<=-m, )|(?<=import )|(?<=from ))project\b""",
    re.MULTILINE,
)
# a word of its own in a line that is no comment
BARE = re.compile(r"^(?!\s*#)(?:.*[\s!])?\bproject(?=\s|$)", re.MULTILINE)
BARE_IN = ("Dockerfile", "Makefile", ".dockerignore")
ENGLISH = re.compile(r"\b([Ss])entiment(?= (?:classifi|corpus|corpora))")


def in_text(text: str, names: Names) -> str:
    """Rename in a string, a comment or a file that is not Python."""
    text = PACKAGE.sub(names.package, text)
    text = ENGLISH.sub(lambda found: "Text" if found[1] == "S" else "text", text)
    text = re.sub(r"(?<=[\"'>])Sentiment(?=[\"'<])", names.title, text)
    text = re.sub(r"\bSENTIMENT(?=\b|_)", names.variables, text)
    text = re.sub(r"\bSentiment(?=[A-Z])", names.prefix, text)
    text = re.sub(r"\brun_sentiment\b", f"run_{names.package}_cli", text)
    text = re.sub(r"(?<![A-Za-z])sentiment(?=_)|(?<=_)sentiment(?![A-Za-z])", names.package, text)
    return re.sub(r"(?:\b|(?<=\\n))sentiment\b", names.command, text)


def identifier(word: str, names: Names) -> str:
    """Rename an identifier of Python; a function that runs the command line is called after the package."""
    if word in ("sentiment", "run_sentiment"):
        return word.replace("sentiment", f"{names.package}_cli")
    word = word.replace("SENTIMENT", names.variables).replace("Sentiment", names.prefix)
    return word.replace("sentiment", names.package)


@dataclass
class Piece:
    """A token, or a whole f-string, and where it lies in the text."""

    kind: int
    word: str
    start: int
    end: int


def pieces(text: str) -> list[Piece]:
    """Return the tokens of a file; an f-string is one, as it was before Python 3.12."""
    starts = [0]
    for line in io.StringIO(text):  # by \n alone, as Python counts lines
        starts.append(starts[-1] + len(line))
    found: list[Piece] = []
    depth = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        start, end = starts[token.start[0] - 1] + token.start[1], starts[token.end[0] - 1] + token.end[1]
        kind = tokenize.tok_name[token.type]
        if depth:
            found[-1].end, found[-1].word = end, text[found[-1].start : end]
        elif token.type not in (tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER):
            found.append(Piece(tokenize.STRING if kind == "FSTRING_START" else token.type, token.string, start, end))
        depth += (kind == "FSTRING_START") - (kind == "FSTRING_END")
    return found


def is_key(before: list[Piece], following: str) -> bool:
    """Return whether a string is a key, as in ``facts["project"]``, pyproject.toml's, or W&B's ``{"project":``."""
    if len(before) < 2 or before[-1].word != "[":
        return following == ":"
    holder = before[-2]
    return (holder.kind == tokenize.NAME and not keyword.iskeyword(holder.word)) or holder.word in ("]", ")")


def in_token(piece: Piece, before: list[Piece], following: str, names: Names) -> str:
    """Rename in a token of Python, given the two before it and the one after it."""
    word, last = piece.word, before[-1].word if before else ""
    if piece.kind == tokenize.NAME and word == "project":
        return names.package if last in ("from", "import") or (following == "." and last != ".") else word
    if piece.kind == tokenize.NAME:
        return identifier(word, names)
    if piece.kind not in (tokenize.STRING, tokenize.COMMENT):
        return word
    return word if word.strip("\"'") == "project" and is_key(before, following) else in_text(word, names)


def in_python(text: str, names: Names) -> str:
    """Rename in a file of Python, which keeps its layout."""
    found = pieces(text)
    parts, at = [], 0
    for index, piece in enumerate(found):
        before = found[max(index - 2, 0) : index]
        following = found[index + 1].word if index + 1 < len(found) else ""
        word = in_token(piece, before, following, names)
        parts += [text[at : piece.start], word]
        at = piece.end
    return "".join([*parts, text[at:]])


def renamed(path: str, text: str, names: Names) -> str:
    """Rename in a file."""
    if path.endswith(".py"):
        return in_python(text, names)
    text = in_text(text, names)
    if path.rpartition("/")[2] in BARE_IN:
        text = BARE.sub(lambda found: found[0][: -len("project")] + names.package, text)
    return text


def renamed_path(path: str, names: Names) -> str:
    """Return where a file lies afterwards."""
    return names.package + path.removeprefix("project") if path.startswith("project/") else path
