"""Texts that were damaged on their way: encodings, left-overs of HTML, placeholders; scripts without spaces."""

import re
from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from project.addons.doctor.texts import NO_SPACES, SHOWN, Finding, Texts, visible
from project.registry import registered

# what latin-1 and cp1252 make of the bytes 80 to bf, by which UTF-8 continues a letter
MORE = "\x80-\xbf" + bytes(range(0x80, 0xA0)).decode("cp1252", "ignore")
ENDS = "[\u2019\u201d\u2026\u2013\xbb]"  # what may follow a word in capital letters
# letters of Latin, punctuation, emoji, byte order mark; two letters of another script
MOJIBAKE = (
    rf"Ã(?!{ENDS})[{MORE}]|Â[\xa0-\xbf]|â[\x80\x82\x84\u20ac\u201a\u201e][{MORE}]|ð[\x9fŸ][{MORE}]{{2}}|ï»¿|ï¿½"
    rf"|(?:[ÄÅÎÏÐÑØÙ\xd7][{MORE}]){{2}}|(?:[ã-é][{MORE}]{{2}}){{2}}"
)
LATIN = "(?<![\xc2-\xf4\x80-\xbf])[\x80-\x9f]"
INVISIBLE = "[\x01-\x08\x0b\x0c\x0e-\x1f\x7f\u200b\u202a-\u202e\u2060\ufeff]"
ENTITY = r"&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|[a-zA-Z]{2,8}\d{0,2});"
TAGS = "[abipuqs]|br|hr|em|li|[uo]l|h[1-6]|td|tr|th|div|img|span|font|table|strong"
TAG = rf"(?!<br />)</?(?:{TAGS})\b[^<>]*>"  # the tokenizer takes exactly <br /> for a space
EMPTY = (
    r"\A\s*(?:#?(?:nan|null|none|n/?a|nil|undefined|todo|tbd)\W*|[\[(<](?:deleted|removed|empty|missing)[\])>]\s*)\Z"
)
KINDS = (  # what it is, what it looks like, and the step that helps
    (
        "UTF-8 that was read as cp1252 or latin-1",
        MOJIBAKE,
        "read the file again as UTF-8; the package ftfy fixes the rest",
    ),
    ("the character U+FFFD, where letters were lost", "\ufffd", "create the file again from its source, as UTF-8"),
    ("cp1252 that was read as latin-1", LATIN, 'text.encode("latin-1").decode("cp1252") in Python'),
    ("control or invisible characters", INVISIBLE, "remove these characters"),
    ("HTML entities", ENTITY, "html.unescape(text) in Python, as often as they were escaped"),
    ("HTML tags", TAG, "replace them by spaces"),
    ("escapes left undecoded", r"\\u[\da-fA-F]{4}|\\x[\da-fA-F]{2}|\\n|\\t", "read the file by its own format"),
    ("a placeholder instead of words", f"(?i){EMPTY}", "remove these rows"),
    ("no letter, digit or sign that could mean something", r"\A[\s.,;_/\\|#*+=~-]*\Z", "remove these rows"),
)
SPOILED = 0.1  # share of texts with damage, or in a script without spaces, from which on it spoils training
CONTEXT = 30  # characters that are shown before damage


def damage_findings(texts: Texts, splits_at_spaces: bool) -> Iterator[Finding]:
    """Yield damage of each kind, and texts of scripts that the tokenizer cannot split."""
    patterns = [(kind, re.compile(pattern)) for kind, pattern, _ in KINDS]
    rows, spaceless, signs = defaultdict[str, list[int]](list), list[int](), re.compile(f"[{NO_SPACES}]")
    remarks: dict[int, str] = {}
    for row, text in enumerate(texts):
        for kind, pattern in patterns:
            if (match := pattern.search(text)) is not None:
                rows[kind].append(row)
                if len(rows[kind]) <= SHOWN and match.start() > CONTEXT:
                    remarks[row] = visible(text[match.start() - CONTEXT : match.end() + CONTEXT])
        if splits_at_spaces and not text.isascii() and 2 * len(signs.findall(text)) > len(text) - text.count(" "):
            spaceless.append(row)
    most = SPOILED * len(texts)
    for kind, _, advice in KINDS:
        spoils = len(rows[kind]) >= most
        yield from texts.finding("damaged texts", np.array(rows[kind]), f"texts with {kind}", advice, spoils, remarks)
    what = "texts in a script without spaces between words, of which words makes one token each"
    advice = f"--data.tokenizer={'unicode' if 'unicode' in registered('TOKENIZERS') else 'bpe'}"
    yield from texts.finding("no spaces", np.array(spaceless), what, advice, len(spaceless) >= most)
