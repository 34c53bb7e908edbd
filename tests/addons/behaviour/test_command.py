import json
import re
from pathlib import Path

import pytest

from project.addons.behaviour.suite import read_suite


@pytest.fixture
def checkpoint(fitted) -> Path:
    path: Path = fitted / "checkpoints" / "best.ckpt"
    return path


def test_rates_and_failures_are_printed_and_written(sentiment, checkpoint, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert sentiment("behaviour", "--ckpt_path", checkpoint, "--json", "out.json") == 0
    out = capsys.readouterr().out
    found = json.loads(Path("out.json").read_text())["behaviours"]
    cases, passed = (sum(each[key] for each in found) for key in ("cases", "passed"))
    assert cases == sum(len(test.cases) for test in read_suite())
    assert all(each["cases"] - each["passed"] == len(each["failures"]) for each in found)
    assert re.search(rf"│ all +│ +│ +{passed} │ +{cases} │ +{passed / cases:.0%} │", out)
    assert max(map(len, out.splitlines())) <= 80


OWN = """
tests:
- {behaviour: "[red]mine", expect: same, texts: [["A dull film.", "The [b]film is\\e[31m lovely, and wise."]]}
- {behaviour: stars, expect: label, label: 5, texts: ["A dull film."]}
"""


def test_tests_of_a_file_are_added(sentiment, checkpoint, capsys):
    Path("own.yaml").write_text(OWN)
    assert sentiment("behaviour", "--ckpt_path", checkpoint, "--tests", "own.yaml") == 0
    out = capsys.readouterr().out
    assert "│ [red]mine" in out
    assert f"1 of {len(read_suite()) + 2} tests are skipped: they are about 5, but the labels are negative" in out
    assert "\x1b" not in out


@pytest.mark.parametrize(("examples", "rows"), [(0, 0), (1, 1)])
def test_so_many_failures_are_shown(sentiment, checkpoint, capsys, examples, rows):
    tests = "tests:\n- {behaviour: mine, expect: label, label: positive, texts: [A dull film., A dull cast.]}\n"
    Path("own.yaml").write_text(tests.replace("positive", "negative") + tests.removeprefix("tests:\n"))
    words = ("--tests", "own.yaml", f"--examples={examples}", "--json=out.json")
    assert sentiment("behaviour", "--ckpt_path", checkpoint, *words) == 0
    assert len(re.findall(r"│ A dull (?:film|cast)\.", capsys.readouterr().out)) == rows


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--json=there.json"], "--json there.json exists already"),
        (["--tests=no.yaml"], "cannot read no.yaml"),
        (["--tests=bad.yaml"], "bad.yaml:1: test 1: `expect` is 'all'"),
    ],
)
def test_mistakes_are_one_line(sentiment, checkpoint, capsys, words, message):
    Path("there.json").touch()
    Path("bad.yaml").write_text("tests: [{behaviour: x, expect: all}]")
    assert sentiment("behaviour", "--ckpt_path", checkpoint, *words) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
