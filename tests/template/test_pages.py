"""Pages without what they say about rooms that go."""

import pytest

from template.pages import anchors, page, without_dead_links
from template.rooms import Gone

GONE = Gone(frozenset({"addons/teach"}), frozenset({"teach"}), frozenset({"teach"}), frozenset({"teaching.md"}))

CASES = {
    "a marked paragraph": ("A.\n\n<!-- needs project/addons/teach -->\nB\nc.\n\nD.\n", "A.\n\nD.\n"),
    "a marked block": ("A.\n\n<!-- needs project/addons/teach -->\n```sh\na\n\nb\n```\n", "A.\n"),
    "another's marked block": (
        "<!-- needs project/serve -->\n```sh\nsentiment serve\n```\n",
        "<!-- needs project/serve -->\n```sh\nsentiment serve\n```\n",
    ),
    "a block": ("A.\n\n```sh\nsentiment teach\n```\n", "A.\n"),
    "an indented block": ("A.\n\n    sentiment teach\n\n    more\n", "A.\n"),
    "lines of what is printed": ("```text\na\n  sentiment teach\nb\n```\n", "```text\na\nb\n```\n"),
    "the second of two blocks": (
        "```sh\na\n```\n<!-- needs project/addons/teach -->\n```sh\nb\n```\n",
        "```sh\na\n```\n",
    ),
    "a row": ("| a | b |\n|---|---|\n| c | d |\n| e | `project/addons/teach` |\n", "| a | b |\n|---|---|\n| c | d |\n"),
    "all rows": ("A.\n\n| a |\n|---|\n| `project/addons/teach` |\n", "A.\n"),
    "an item": ("- a\n- b `project/addons/teach`\n  c\n- d\n", "- a\n- d\n"),
    "a sentence": ("One. Two is `sentiment teach`. Three.\n", "One. Three.\n"),
    "the last part of a sentence": ("One; two, after `make setup EXTRAS=teach`. Three.\n", "One. Three.\n"),
    "the first sentence": ("`sentiment teach` is it. It does much.\n", ""),
    "what a colon announces": ("- **Teachers**: see `project/addons/teach`. They travel.\n- b\n", "- b\n"),
    "an announced block": ("A.\n\nLike this:\n\n```sh\nsentiment teach\n```\n\nB.\n", "A.\n\nB.\n"),
    "a heading with its section": (
        "# A\n\na\n\n## B\n\nRun `sentiment teach`.\n\n## C\n\nc\n",
        "# A\n\na\n\n## C\n\nc\n",
    ),
    "a link to a page that goes": ("One. See [it](teaching.md).\n", "One.\n"),
    "no code with a full stop": ('One `"a. b"` two.\n', 'One `"a. b"` two.\n'),
}


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES)
def test_what_is_left_of_a_page(before, after):
    assert page(before, GONE).strip() == after.strip()


PAGES = {
    "README.md": "# A\n\n[b](docs/b.md#b-c) [d](docs/d.md) [e](docs/b.md#e) [f](#f) [w](https://a.b/c)",
    "docs/b.md": "## B, c\n",
}


def test_dead_links_become_words():
    text = without_dead_links("README.md", PAGES, set(PAGES))
    assert text == "# A\n\n[b](docs/b.md#b-c) d e f [w](https://a.b/c)"


def test_code_is_no_link():
    text = 'Call `a[b](c)`.\n\n```python\nprint(heads["one"](x)[0])\n```\n\n    d[e](f)\n'
    assert without_dead_links("README.md", {"README.md": text}, {"README.md"}) == text


def test_anchors_are_those_of_github():
    assert anchors("# One, two\n```sh\n# no heading\n```\n## `fit`: a [link](b.md)\n") == {"one-two", "fit-a-link"}
