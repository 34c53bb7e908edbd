import re
from pathlib import Path

from project.addons.behaviour import section as module
from project.addons.behaviour.section import section
from project.addons.behaviour.suite import Expectation
from project.registry import load, registered
from tests.addons.behaviour.models import predictor

TAGS = {"table", "thead", "tbody", "tr", "th", "td", "p", "ul", "li", "span", "details", "summary"}


def html(monkeypatch, *tests: Expectation, labels: tuple[str, ...] = ("negative", "positive")) -> str:
    monkeypatch.setattr(module, "read_suite", lambda: list(tests))
    return section(predictor(labels), Path())[1]


def test_the_section_is_registered():
    assert load(registered("SECTIONS")["behaviour"]) is section


def test_pass_rates_are_in_the_table(monkeypatch):
    test = Expectation("plain", "label", "positive", [("warm",), ("dull",), ("warm film",), ("a warm one",)])
    row = "<tr><td>plain</td><td>the right label</td><td>3</td><td>4</td><td>75%</td></tr>"
    assert row in html(monkeypatch, test)


def test_failing_pairs_are_listed(monkeypatch):
    page = html(monkeypatch, Expectation("pair", "same", "", [("warm", "dull")]))
    assert "<summary>pair: 1 not as expected</summary>" in page
    assert "<li>warm (positive 88.1 %), then dull (negative 88.1 %)</li>" in page


def test_everything_is_escaped(monkeypatch):
    test = Expectation("<i>b</i>", "same", "", [("warm <script>alert(1)</script>", "dull & 'x'")])
    about = Expectation("x", "label", "<other>", [("warm",)])
    page = html(monkeypatch, test, about, labels=("<b>bad</b>", "good"))
    assert set(re.findall(r"</?(\w+)", page)) <= TAGS
    for text in ("&lt;i&gt;b", "&lt;script&gt;", "dull &amp; &#x27;x", "&lt;other&gt;", "&lt;b&gt;bad"):
        assert text in page


def test_own_sentences_make_a_section():
    title, page = section(predictor(), Path())
    assert title == "Behaviour"
    assert set(re.findall(r"</?(\w+)", page)) <= TAGS
    assert page.count("<tr>") > 10
