"""Text -> tokens by Unicode's rules for words (UAX 29), through the `regex` package.

Where it differs: full stop and colon part words, as they do for basic_english; an emoticon is one token; scripts whose
words only a dictionary finds (Thai, Lao, Khmer, Burmese: the line-break class SA) fall into overlapping triples of
grapheme clusters, which are letters with their vowels and tones.
"""

import unicodedata

import regex

# Left out: soft hyphen, byte order mark, marks of the direction of writing. A space of no width is a space.
_IGNORED = dict.fromkeys([0xAD, 0xFEFF, 0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_CHANGED = str.maketrans({**_IGNORED, "\u200b": " ", "\u2019": "'"})

_NO_SPACES = r"\p{Line_Break=Complex_Context}"
# Of lower-cased text. Letters as mouths, and a slash, count apart from words alone: not in "http://", "10:30", "a:b".
_LETTER = rf"[\w--\p{{Han}}--\p{{Hiragana}}--\p{{Katakana}}--{_NO_SPACES}]"
_EMOTICON = rf"""
  (?=[>}}:;=(\[<^_\-]) (?:
    [>}}]? [:;=] ['^o\-]* (?: [()\[\]{{}}]+ | [*|>$]+ (?!\S) ) (?!{_LETTER})                    # :-) ;) :'( =] :*
  | (?<!{_LETTER}) >? (?: [:;] ['^\-]? [dpoxsc03]+ | =[dp] | [:;=]-?[/\\] ) (?!{_LETTER}|/)   # :D :-P ;p :o =/
  | (?<!{_LETTER}) [(\[]+ ['^\-]* [:;=] (?!{_LETTER})                                          # (-: (;
  | (?<!{_LETTER}) </?3+ (?!{_LETTER})                                                        # <3 </3
  | (?<!{_LETTER}) (?: \^[_.\-]*\^ | >[_.]+< | -_+- | ;_+; ) (?!{_LETTER})                    # ^_^ >_< -_- ;_;
  )
"""
_KEYCAP = r"[\d#*]\uFE0F?\u20E3"  # UAX 29 takes it for a digit and joins it with its neighbours
_END = rf"\b | (?<!\p{{N}})(?=[.:]) | (?<=[.:])(?!\p{{N}}) | (?={_KEYCAP}) | (?<=\u20E3)"
_TOKEN = regex.compile(
    rf"{_EMOTICON} | (?: (?={_NO_SPACES}) \X )+ | (?w: .+? (?: {_END} ) )",
    regex.VERBOSE | regex.VERSION1 | regex.DOTALL,
)
_FIRST = regex.compile(_NO_SPACES)


def folded(text: str) -> str:
    """Return `text` as it is compared: composed (NFC) and lower-cased, with one apostrophe and one kind of i.

    Lower-casing the Turkish capital dotted I gives i with a combining dot, which is no letter of Turkish: it is i here.
    """
    plain = unicodedata.normalize("NFC", text.translate(_CHANGED)).lower().replace("i\u0307", "i")
    return plain.replace("<br />", " ")  # as basic_english does


def segments(text: str) -> list[str]:
    """Return the tokens of `text`, none of them empty or with white space in it."""
    pieces = (piece for part in folded(text).split() for piece in _TOKEN.findall(part))
    return [token for piece in pieces for token in (triples(piece) if _FIRST.match(piece) else (piece,))]


def triples(run: str) -> list[str]:
    """Return each three neighbouring grapheme clusters of a run as one token, or the whole of a shorter run.

    Clusters alone, or pairs of them, leave more of the words to the network, which then needs many more epochs.
    """
    clusters = regex.findall(r"\X", run)
    return ["".join(clusters[start : start + 3]) for start in range(max(len(clusters) - 2, 1))]
