"""The report of a run whose texts have any number of labels."""

import csv
import json
import re
import shutil
from contextlib import redirect_stdout
from html import unescape
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from project.addons.report.run import read_run
from project.registry import registered
from tests.addons.report.test_command import percent, rows_of
from tests.conftest import PLAIN, run_sentiment

pytestmark = pytest.mark.skipif(
    "any" not in registered("LABELS") or "results" not in registered("CALLBACKS"),
    reason="project/addons/multilabel reads such texts, results writes what the report shows",
)

ABOUT = {"desserts": "จานหวาน", "the soup": "汤", "the waiters": "personnel", "the price": "سعر"}
NEVER = "never tested"
NO_FIGURE = "\N{EN DASH}"


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """The folder of a run on reviews of restaurants that praise up to three things; one label is in train alone."""
    folder = tmp_path_factory.mktemp("several")
    rows = []
    for number in range(60):
        liked = [thing for bit, thing in enumerate(ABOUT) if number >> bit & 1][:3]
        text = f"On evening {number} we liked {' and '.join(liked) or 'nothing'}."
        rows.append(
            {"text": text, "labels": [ABOUT[thing] for thing in liked], "meal": "lunch" if number % 3 else "tea"}
        )
    (folder / "rows").mkdir()
    for split, part in {"train": rows[:40], "val": rows[40:48], "test": rows[44:]}.items():
        more = [{"text": "It was the last time.", "labels": [NEVER], "meal": "tea"}] * (split == "train")
        lines = [json.dumps(row, ensure_ascii=False) for row in (*part[split == "test" and 4 :], *more)]
        (folder / "rows" / f"{split}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    options = (
        "--data.labels=any",
        "--data.label_column=labels",
        "--trainer.max_epochs=6",
        "--model.learning_rate=0.02",
    )
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()) as printed:
        patch.chdir(folder)
        assert run_sentiment("fit", f"--data.corpus={folder / 'rows'}", *options, *PLAIN) == 0
    (folder / "printed.txt").write_text(printed.getvalue())
    return folder / "runs" / "version_0"


@pytest.fixture(scope="module")
def metrics() -> Any:
    return pytest.importorskip("sklearn.metrics")


@pytest.fixture
def page(run) -> str:
    return (run / "report.html").read_text()


def table(run: Path) -> tuple[Any, Any, Any, list[str]]:
    """Labels, answers and probabilities, (texts, C), of test.csv, and the names of the labels."""
    names = json.loads((run / "results.json").read_text())["confusion_matrix"]["labels"]
    with (run / "test.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    has, got = ([[name in row[key].split("|") for name in names] for row in rows] for key in ("label", "predicted"))
    return np.array(has), np.array(got), np.array([[float(row[f"p_{n}"]) for n in names] for row in rows]), names


def test_the_figures_are_those_of_an_independent_count(run, page, metrics):
    has, got, shares, _ = table(run)
    seen = has.any(0)
    cards = page.split('<dl class="cards six">')[1].split("</dl>")[0]
    assert dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", cards)) == {
        "Exact match": percent((has == got).all(1).mean()),
        "Macro F1": percent(metrics.f1_score(has[:, seen], got[:, seen], average="macro", zero_division=0)),
        "Micro F1": percent(metrics.f1_score(has, got, average="micro")),
        "AUROC": f"{metrics.roc_auc_score(has[:, seen], shares[:, seen]):.3f}",
        "mAP": f"{metrics.average_precision_score(has[:, seen], shares[:, seen]):.3f}",
        "Test texts": "12",
    }


def test_each_label_has_its_figures(run, page, metrics):
    has, got, shares, names = table(run)
    rows = {row[0]: row[1:] for row in rows_of(page, "classes") if len(row) == 7}
    for label, name in enumerate(names):
        own = has[:, label], shares[:, label]
        area = (
            [f"{figure(*own):.3f}" for figure in (metrics.average_precision_score, metrics.roc_auc_score)]
            if own[0].any()
            else [NO_FIGURE] * 2
        )
        assert rows[name][3:] == [*area, str(own[0].sum())]
    assert rows[NEVER][1] == NO_FIGURE
    assert got.any()


def test_the_matrix_is_that_of_the_results(run):
    counts = json.loads((run / "results.json").read_text())["confusion_matrix"]["counts"]
    assert read_run(run).tested.matrix(9).counts.tolist() == counts


def test_slices_are_exact_matches_of_groups(run, page):
    has, got, _, names = table(run)
    right, liked = (has == got).all(1), has[:, names.index("汤")]
    shown = {row[0]: row[1:3] for row in rows_of(page, "slices") if len(row) == 5}
    assert shown["汤"] == [str(liked.sum()), percent(right[liked].mean())]
    assert {"0", "1", "2", "lunch", "tea"} <= shown.keys()


def test_errors_and_doubts_name_sets_and_labels(page):
    text = unescape(re.sub(r"<[^>]+>", "", page))
    assert re.search(r"taken for .*(wrong|missing): \S+ \d", text)
    assert re.search(r"labelled .* has .*, the model says \d", text)


def test_the_terminal_shows_labels_and_sets(run):
    out = (run.parent.parent / "printed.txt").read_text()
    assert [title for title in ("Labels of the test split", "Largest confusions", "report: ") if title not in out] == []
    assert (run / "confusion_matrix.png").stat().st_size > 0


def test_the_command_writes_what_the_test_wrote(run, page, sentiment):
    assert sentiment("report", run, "--output=again.html") == 0
    again = Path("again.html").read_text()
    assert [name for name in ("classes", "slices") if rows_of(again, name) != rows_of(page, name)] == []


def test_a_baseline_of_the_same_texts_stands_beside_the_model(run, sentiment):
    results = json.loads((run / "results.json").read_text())
    other = {"name": "TF-IDF", "test/f1": 0.4, "test/f1_micro": 0.3, "right": [1] * 3 + [0] * 9}
    shutil.copytree(run, "runs/version_0")
    Path("runs/baselines").mkdir()
    file = {"test_fingerprint": results["test_fingerprint"], "baselines": [other]}
    Path("runs/baselines/one.json").write_text(json.dumps(file))
    assert sentiment("report", "runs/version_0") == 0
    (_, _, row) = rows_of(Path("runs/version_0/report.html").read_text(), "figures")
    assert row[:2] == ["TF-IDF", "25.0%"]
    assert row[3:5] == ["40.0%", "30.0%"]
    assert "points" in row[5]


def test_the_card_says_what_the_model_answers(run, sentiment):
    assert sentiment("report", run, "--format=md", "--output=card.md") == 0
    card = Path("card.md").read_text()
    assert "each of 5 labels, of which a text may have any number: " in card
    assert "| exact match | " in card
    assert "| micro F1 | " in card


@pytest.mark.slow
def test_thresholds_are_shown_with_their_labels(run, sentiment):
    if "calibrate" not in registered("COMMANDS"):
        pytest.skip("project/addons/calibrate chooses thresholds")
    best = run / "checkpoints" / "best.ckpt"
    assert sentiment("calibrate", f"--ckpt_path={best}", "--output=cut.ckpt", "--aim=macro_f1") == 0
    assert sentiment("test", "--ckpt_path=cut.ckpt", f"--data.corpus={run.parents[1] / 'rows'}", *PLAIN[-2:]) == 0
    page = Path("runs/version_0/report.html").read_text()
    assert re.search(r"; thresholds <bdi>.*</bdi> 0\.\d{3}, ", page)
