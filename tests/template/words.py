"""Lines in which the template's words mean something else, and those in which they are the template's."""

import re

ALLOWED = (
    r"vaderSentiment",  # a package
    r"Model for Sentiment Analysis of Social Media",  # a title
    r"Stanford Sentiment Treebank",  # a data set
    r"\[project(\.[a-z-]+)?\]",  # a table of pyproject.toml
    r"(facts|FACTS|\))\[\"project\"\]",  # the same, read
    r"^\s*(project|PROJECT)\b.*=|\(PROJECT\)",  # variables of that name: W&B's, a stand-in for pyproject.toml
    r"\bproject(=|: )|\"project\": project|, project, ",  # options of W&B
    r"W&B's project",
    r"one called \*project\*",  # a curve in a picture of packed_rnn, which is updated as it is
)


def of_the_template(path: str, text: str) -> list[str]:
    """Return the lines in which a word of the template is left."""
    lines = [line for line in text.splitlines() if re.search(r"sentiment|\bproject\b", line, re.IGNORECASE)]
    return [f"{path}: {line}" for line in lines if not any(re.search(each, line) for each in ALLOWED)]
