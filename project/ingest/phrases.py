"""Which texts are runs of words of a longer text, found without listing all runs of the longer one."""

import re
from collections.abc import Iterable

FIRST_WORDS = 4


class PhraseIndex:
    """Texts by their first words; of each it keeps a few numbers, so that memory does not grow with their length.

    Here a text is words separated by single spaces.

    Args:
        texts: What to look for.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._hashes: set[int] = set()
        self._lengths: dict[str, set[int]] = {}  # how many words the texts have, by their first words
        for text in filter(None, texts):
            words = text.split()
            self._hashes.add(hash(text))
            self._lengths.setdefault(" ".join(words[:FIRST_WORDS]), set()).add(len(words))

    def inside(self, text: str) -> set[int]:
        """Return `hash` of every indexed text that is a run of words of `text`, such as `text` itself."""
        ends = [match.start() for match in re.finditer(" |$", text)]  # of its words
        found = set()
        for word, begin in enumerate([0, *(end + 1 for end in ends[:-1])]):
            for end in ends[word : word + FIRST_WORDS]:
                for length in self._lengths.get(text[begin:end], ()):
                    found.add(hash(text[begin : ends[min(word + length, len(ends)) - 1]]))
        return found & self._hashes
