"""Which words of which files are names, and which mean something else."""

import pytest

from template.names import Names
from template.rename import renamed, renamed_path

NAMES = Names("acme_reviews", "acme", "Acme's reviews")

PYTHON = {
    "import project": "import acme_reviews",
    "from project.text import x": "from acme_reviews.text import x",
    "project.load()": "acme_reviews.load()",
    "self.project.name": "self.project.name",
    "logger(project=project)": "logger(project=project)",
    'own = {"project": 1}': 'own = {"project": 1}',
    'facts["project"]["version"]': 'facts["project"]["version"]',
    'run(["project", "fit"])': 'run(["acme_reviews", "fit"])',
    'ROOT / "project" / room': 'ROOT / "acme_reviews" / room',
    'x = f"{a} in project/{b}"': 'x = f"{a} in acme_reviews/{b}"',
    'r"project/text\\.py"': 'r"acme_reviews/text\\.py"',
    'name.startswith("project.")': 'name.startswith("acme_reviews.")',
    'r"(?:project|tests)[/.]"': 'r"(?:acme_reviews|tests)[/.]"',
    "# see project.text": "# see acme_reviews.text",
    "class SentimentNetwork: ...": "class AcmeReviewsNetwork: ...",
    'VARIABLE = "SENTIMENT_CACHE"': 'VARIABLE = "ACME_REVIEWS_CACHE"',
    'KEY = "sentiment"': 'KEY = "acme"',
    'FastAPI(title="Sentiment")': 'FastAPI(title="Acme\'s reviews")',
    'Counter("sentiment_requests")': 'Counter("acme_reviews_requests")',
    'print("\\nsentiment COMMAND")': 'print("\\nacme COMMAND")',
    'def test(sentiment): sentiment("fit")': 'def test(acme_reviews_cli): acme_reviews_cli("fit")',
    'run_sentiment("fit")': 'run_acme_reviews_cli("fit")',
    'pin = "vaderSentiment==3.3.2"': 'pin = "vaderSentiment==3.3.2"',
    "# Stanford Sentiment Treebank": "# Stanford Sentiment Treebank",
}


@pytest.mark.parametrize(("before", "after"), PYTHON.items())
def test_in_python(before, after):
    assert renamed("file.py", f"{before}\n", NAMES) == f"{after}\n"


OTHERS = {
    ("a.md", "`project/text.py` and `tests/text.py`"): "`acme_reviews/text.py` and `tests/text.py`",
    ("a.md", "`python -m project fit`"): "`python -m acme_reviews fit`",
    ("a.md", "pip install dist/project-0.1.0.whl"): "pip install dist/acme_reviews-0.1.0.whl",
    ("a.md", "| batch | project | packed |"): "| batch | acme_reviews | packed |",
    ("a.md", "`.venv/bin/sentiment fit`"): "`.venv/bin/acme fit`",
    ("a.md", "a sentiment classifier"): "a text classifier",
    ("a.md", "| `sentiment classify` |"): "| `acme classify` |",
    ("a.md", "grep ^sentiment_requests"): "grep ^acme_reviews_requests",
    ("a.md", "*A Rule-based Model for Sentiment Analysis*"): "*A Rule-based Model for Sentiment Analysis*",
    ("pyproject.toml", "[project.scripts]"): "[project.scripts]",
    ("pyproject.toml", "[project]"): "[project]",
    ("pyproject.toml", 'sentiment = "project.__main__:main"'): 'acme = "acme_reviews.__main__:main"',
    ("pyproject.toml", '"project[export]", # opens'): '"acme_reviews[export]", # opens',
    ("pyproject.toml", 'include = ["project*"]'): 'include = ["acme_reviews*"]',
    ("sweep.yml", "project: sentiment"): "project: acme",
    ("sweep.yml", "[python, -m, project, fit]"): "[python, -m, acme_reviews, fit]",
    ("default.yaml", "class_path: project.callbacks.Checkpoint"): "class_path: acme_reviews.callbacks.Checkpoint",
    ("Dockerfile", "COPY project /app/project"): "COPY acme_reviews /app/acme_reviews",
    ("Dockerfile", 'ENTRYPOINT ["sentiment"]'): 'ENTRYPOINT ["acme"]',
    (".dockerignore", "!project"): "!acme_reviews",
    ("Makefile", "IMAGE ?= sentiment"): "IMAGE ?= acme",
    ("Makefile", "\tlizard project"): "\tlizard acme_reviews",
    ("page.html", "<title>Sentiment</title>"): "<title>Acme's reviews</title>",
    ("encoder.json", '"project, prepared": {'): '"acme_reviews, prepared": {',
}


@pytest.mark.parametrize(("file", "after"), OTHERS.items())
def test_in_other_files(file, after):
    assert renamed(file[0], file[1], NAMES) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("project/serve/app.py", "acme_reviews/serve/app.py"),
        ("tests/project.py", "tests/project.py"),
        ("projects/a.py", "projects/a.py"),
    ],
)
def test_of_paths(before, after):
    assert renamed_path(before, NAMES) == after
