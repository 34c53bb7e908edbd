"""The report in a real browser, headless Chromium."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from selenium import webdriver

from project.addons.report.answers import Answers
from project.addons.report.page import page
from project.addons.report.run import read_run
from project.decision import Decision
from project.predict import load
from project.registry import registered
from tests.browser import CONTRAST, NEEDED, browser, show

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        "results" not in registered("CALLBACKS"), reason="the report shows what project/addons/results writes"
    ),
    NEEDED,
]

NAMES = [
    "<b>bold</b>",
    "x" * 90,
    "très négatif",
    "非常正面的评论",
    "إيجابي جدا",
    "हिन्दी",
    "ไทย",
    "$x_1$",
    "a & b",
    "[/red]",
]


@pytest.fixture(scope="module")
def chromium(tmp_path_factory) -> Iterator[webdriver.Chrome]:
    with browser(tmp_path_factory.mktemp("chromium")) as driver:
        yield driver


@pytest.fixture(scope="module")
def reports(fitted_once, tmp_path_factory) -> dict[str, Path]:
    """Reports of two classes, of ten with names and texts as awkward as can be, and of 50 of which a text has any."""
    run = read_run(fitted_once / "runs" / "version_0")
    generator = np.random.default_rng(0)
    labels, shares = generator.integers(0, 10, 200), generator.dirichlet(np.full(10, 0.2), 200)
    texts = [f"<script>alert({n})</script> lovely " + "y" * 200 if n % 2 else f"سيء جدا dull {n}" for n in range(200)]
    places, flags = [f"/far/{'a' * 80}.csv:{n}" for n in range(200)], np.eye(10, dtype=bool)
    answers = Answers(NAMES, places, texts, flags[labels], flags[shares.argmax(1)], shares)
    counts: Any = np.zeros((10, 10), dtype=int)
    np.add.at(counts, (labels, shares.argmax(1)), 1)
    results = run.results | {"corpus": "y" * 100, "confusion_matrix": {"labels": NAMES, "counts": counts.tolist()}}
    odd = replace(run, tested=answers, results=results)
    predictor = load(run.path)
    wide = replace(
        predictor,
        decision=Decision(tuple(NAMES)),
        logits=lambda ids: [[3.0 * ((sum(each) * n) % 7) for n in range(10)] for each in ids],
    )
    folder = tmp_path_factory.mktemp("reports")
    (folder / "ten.html").write_text(page(odd, None, wide), encoding="utf-8")
    names = [*NAMES, *(f"label {n}" for n in range(40))]
    has, got = (generator.random((2, 200, 50)) < 0.05) & (np.arange(50) < 49)  # no text has, or gets, the last one
    likely = np.where(got, 0.9, 0.1 * generator.random((200, 50)))
    measured = {f"test/{name}": 0.5 for name in ("f1", "f1_micro", "auroc", "average_precision")}
    decision = {"temperature": 1.2, "thresholds": [0.5] * 50, "abstain_below": 0.0, "labels": "any", "least": 0}
    several = replace(
        odd,
        tested=Answers(names, places, texts, has, got, likely, several=True),
        results=results | {"metrics": measured, "decision": decision},
    )
    wider = replace(
        wide,
        decision=Decision(tuple(names), labels="any"),
        logits=lambda ids: [[float((sum(each) * n) % 7 - 4) for n in range(50)] for each in ids],
    )
    (folder / "any.html").write_text(page(several, None, wider), encoding="utf-8")
    return {"two": run.folder / "report.html", "ten": folder / "ten.html", "any": folder / "any.html"}


@pytest.fixture(params=["two", "ten", "any"])
def report(chromium, reports, request) -> Iterator[webdriver.Chrome]:
    """A report; no test may cause a browser error, such as a policy violation."""
    chromium.get(reports[request.param].absolute().as_uri())
    yield chromium
    assert chromium.get_log("browser") == []


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_scrolls_sideways(report, width):
    show(report, width)
    assert report.execute_script("return document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_the_contrast_of_aa(report, scheme):
    show(report, 1280, scheme)
    count, bad = report.execute_script(CONTRAST)
    assert count > 300
    assert bad == []


def test_print_is_light_even_where_the_screen_is_dark(report):
    show(report, 800, "dark", media="print")
    ink = report.execute_script("return getComputedStyle(document.body).color")
    assert ink == "rgb(28, 30, 33)"
    assert report.execute_script(CONTRAST)[1] == []


def test_nothing_is_requested(report):
    assert report.execute_script("return performance.getEntriesByType('resource')") == []


def test_texts_and_labels_are_no_markup(chromium, reports):
    chromium.get(reports["ten"].absolute().as_uri())
    assert chromium.execute_script("return document.querySelectorAll('script, #classes b b').length") == 0
    shown = chromium.execute_script("return [...document.querySelectorAll('.matrix tbody th')].map(x => x.textContent)")
    assert json.loads(json.dumps(shown)) == NAMES


def test_the_classes_curves_can_be_told_apart_without_colours(chromium, reports):
    chromium.get(reports["ten"].absolute().as_uri())
    dashes = chromium.execute_script(
        "return [...document.querySelector('#classes .legend').querySelectorAll('path')]"
        ".map((each) => each.getAttribute('stroke-dasharray'))"
    )
    assert len(dashes) == len(set(dashes)) == 6


def test_of_50_labels_the_40_most_frequent_are_in_the_matrix(chromium, reports):
    chromium.get(reports["any"].absolute().as_uri())
    rows = chromium.execute_script("return document.querySelectorAll('.matrix tbody tr').length")
    assert rows == 40
    listed = chromium.execute_script("return document.querySelectorAll('.tall tbody tr').length")
    assert listed == 50


def test_a_long_table_of_labels_is_printed_whole(chromium, reports):
    chromium.get(reports["any"].absolute().as_uri())
    show(chromium, 1280)
    heights = "const tall = document.querySelector('.tall'); return [tall.clientHeight, tall.scrollHeight]"
    screen = chromium.execute_script(heights)
    show(chromium, 1280, media="print")
    printed = chromium.execute_script(heights)
    assert screen[0] < screen[1]
    assert printed[0] == printed[1]
