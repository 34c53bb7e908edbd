"""The report of a run, and that its figures are those of results.json and test.csv."""

import csv
import json
import re
from html import unescape
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from project import registry
from project.addons.report import page as page_of
from project.addons.report.charts import claims
from project.addons.report.figures import reliability
from project.addons.report.run import read_run
from project.addons.report.settings import changed, reading
from project.errors import UserError

pytestmark = pytest.mark.skipif(
    "results" not in registry.registered("CALLBACKS"), reason="the report shows what project/addons/results writes"
)


@pytest.fixture
def page(fitted) -> str:
    return (fitted / "report.html").read_text()


def results(run: Path) -> dict[str, Any]:
    return json.loads((run / "results.json").read_text())


def rows_of(page: str, section: str) -> list[list[str]]:
    """The cells of the tables' rows in a section, without markup."""
    inside = page.split(f'<section id="{section}">')[1].split("</section>")[0]
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", inside, re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in row] for row in cells]


def percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def test_figures_are_those_of_the_results(fitted, page):
    found = results(fitted)["metrics"]
    shown = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page.split('<dl class="cards">')[1].split("</dl>")[0])
    assert dict(shown) == {
        "Accuracy": percent(found["test/accuracy"]),
        "Macro F1": percent(found["test/f1"]),
        "AUROC": f"{found['test/auroc']:.3f}",
        "Calibration error": percent(found["test/calibration_error"]),
        "Test texts": "10",
    }


def test_the_reliability_diagram_has_the_calibration_error_of_the_results(fitted):
    tested = read_run(fitted).tested
    error = results(fitted)["metrics"]["test/calibration_error"]
    assert reliability(*claims(tested, tested.probabilities)).error == pytest.approx(error, abs=2e-6)


def test_the_confusion_matrix_is_that_of_the_results(fitted, page):
    counts = results(fitted)["confusion_matrix"]["counts"]
    rows = [row for row in rows_of(page, "classes") if len(row) == 3][-2:]
    assert [[int(cell.replace("·", "0")) for cell in row[1:]] for row in rows] == counts


def test_it_says_what_ran(fitted, page):
    text = unescape(re.sub(r"<[^>]+>", "", page))
    assert "sentiment fit --data.corpus=" in text
    assert f"fingerprint {results(fitted)['fingerprint'][:16]}" in text
    assert "model.encoder.hidden_size=8 (128)" in text


def test_nothing_is_loaded_and_nothing_runs(page):
    assert "default-src 'none'" in page
    assert re.findall(r"<(?:script|link(?! rel=\"icon\")|img|iframe)|url\((?!#)|@import|\bsrc=", page) == []


def test_an_id_is_given_once(page):
    ids = re.findall(r' id="([^"]*)"', page)
    assert len(ids) == len(set(ids))


def test_baselines_of_the_same_texts_stand_beside_the_model(sentiment, fitted):
    right = results(fitted)["right"]
    other = {"name": "TF-IDF", "test/f1": 0.4, "right": [1] * 5 + [0] * 5}
    for name, fingerprint in (("same", results(fitted)["test_fingerprint"]), ("other", "0" * 64)):
        file = {"test_fingerprint": fingerprint, "baselines": [other | {"name": name}]}
        (fitted.parent / "baselines").mkdir(exist_ok=True)
        (fitted.parent / "baselines" / f"{name}.json").write_text(json.dumps(file))
    assert sentiment("report", fitted) == 0
    rows = rows_of((fitted / "report.html").read_text(), "figures")
    assert [row[0] for row in rows[1:]] == ["this model", "same"]
    assert rows[2][1] == "50.0%"
    assert rows[2][4].startswith(f"{100 * (sum(right) / 10 - 0.5):+.1f}".replace("-", "\N{MINUS SIGN}"))


def test_a_card_to_paste(sentiment, fitted):
    assert sentiment("report", fitted, "--format=md") == 0
    card = (fitted / "report.md").read_text()
    headings = re.findall(r"^## (.*)$", card, re.MULTILINE)
    assert headings == ["What it is", "Trained on", "Figures", "Limits", "How to use it"]
    assert f"| accuracy | {percent(results(fitted)['metrics']['test/accuracy'])}, 95% interval " in card


def test_the_card_is_in_the_report(sentiment, fitted, page):
    assert sentiment("report", fitted, "--format=md") == 0
    (shown,) = re.findall(r"<pre[^>]*>(.*?)</pre>", page, re.DOTALL)
    assert unescape(shown) == (fitted / "report.md").read_text()


def test_another_output_that_is_there_is_refused(sentiment, fitted, capsys):
    Path("mine.html").write_text("mine")
    assert sentiment("report", fitted, "--output=mine.html") == 2
    assert "mine.html exists already: choose another file" in capsys.readouterr().err
    assert Path("mine.html").read_text() == "mine"


def test_a_folder_without_results_is_refused_in_one_line(sentiment, tmp_path, capsys):
    assert sentiment("report", tmp_path) == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path}/results.json is missing: sentiment fit and sentiment test write it\n"
    )


def test_damaged_results_are_refused_in_one_line(sentiment, fitted, capsys):
    (fitted / "results.json").write_text('{"metrics": ')
    assert sentiment("report", fitted) == 2
    assert "test the checkpoint again" in capsys.readouterr().err


def test_a_run_whose_corpus_is_gone_still_has_a_report(sentiment, fitted):
    facts = results(fitted) | {"corpus": "gone.csv"}
    (fitted / "results.json").write_text(json.dumps(facts))
    assert sentiment("report", fitted) == 0
    page = (fitted / "report.html").read_text()
    assert "The corpus is gone, or has changed since" in page


def test_other_add_ons_add_sections(sentiment, fitted, monkeypatch):
    monkeypatch.setattr(page_of, "registered", lambda kind: {"b": "B", "a": "A"} if kind == "SECTIONS" else {})

    def section(predictor, folder):
        return "Ours & theirs", f"<p>{folder.name}: {predictor('A dull film.').label}</p>"

    def broken(predictor, folder):
        raise UserError("there is <nothing>")

    monkeypatch.setattr(page_of, "load", {"A": section, "B": broken}.__getitem__)
    assert sentiment("report", fitted) == 0
    page = (fitted / "report.html").read_text()
    assert re.search(r"<h2>Ours &amp; theirs</h2>\s*<p>version_0: (negative|positive)</p>", page)
    assert "<p>there is &lt;nothing&gt;</p>" in page


def test_the_registry_knows_sections():
    assert registry.registered("SECTIONS") is not None


def test_a_run_whose_checkpoint_is_gone_is_refused_in_one_line(sentiment, fitted, capsys):
    (fitted / "checkpoints" / "best.ckpt").unlink()
    assert sentiment("report", fitted) == 2
    assert "best.ckpt does not exist" in capsys.readouterr().err


def test_other_commands_read_the_corpus_with_the_same_options():
    changes = [("data.label_column", "of sort", "label"), ("data.batch_size", 16, 64)]
    assert reading("my rows.csv", changes) == "'--data.corpus=my rows.csv' '--data.label_column=of sort'"


def test_only_what_differs_from_the_defaults_is_a_change():
    config = {"data": {"corpus": "movies", "batch_size": 16}, "trainer": {"max_epochs": 10, "callbacks": []}}
    assert changed(config) == [("data.batch_size", 16, 64)]


@pytest.mark.slow
def test_an_independent_count_gives_the_figures_of_the_report(movies_run):
    """Accuracy, a slice and their intervals, from results.json and test.csv alone."""
    page = (movies_run / "report.html").read_text()
    right = np.array(results(movies_run)["right"])
    with (movies_run / "test.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    words = [row["text"].lower().replace("\u2019", "'").replace("n't", " not").replace("cannot", "not") for row in rows]
    negations = {"no", "not", "never", "nor", "neither", "nobody", "nothing", "nowhere", "none", "without"}
    negated = np.array([bool(negations & set(re.findall(r"\w+", text))) for text in words])
    (whole,) = [row for row in rows_of(page, "figures") if row[0] == "this model"]
    shown = {row[0]: row for row in rows_of(page, "slices") if len(row) == 5}
    true = np.array([row["label"] for row in rows])
    for accuracy, interval, answers in [
        (*whole[1:3], right),
        (*shown["not, never, n't, ..."][2:4], right[negated]),
        (*shown["positive"][2:4], right[true == "positive"]),
    ]:
        assert accuracy == percent(answers.mean())
        for bound in (float(each[:-1]) / 100 for each in interval.split(" to ")):
            # the bounds of Wilson's interval are the shares from which the observed one is just as far as z allows
            z = abs(answers.mean() - bound) / np.sqrt(bound * (1 - bound) / len(answers))
            assert z == pytest.approx(NormalDist().inv_cdf(0.975), abs=0.06)  # shown to 0.1 %
