"""Everything about a tested run -> its report as one HTML file, and its model card in Markdown."""

import html
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup

from project.addons.report.charts import calibration_charts, class_charts, learning_charts, rankings
from project.addons.report.examples import SAMPLE, Doubt, doubted_rows, explained_errors, strengths
from project.addons.report.figures import confusions, paired_difference, share
from project.addons.report.run import Run, baselines_of
from project.addons.report.settings import changed, reading
from project.addons.report.slices import slices
from project.checkpoint import KEY, PREFIX
from project.errors import UserError
from project.ingest import SPLITS, Corpus
from project.predict import Predictor
from project.registry import load, registered

HERE = Path(__file__).parent
MOST_IN_MATRIX = 40  # classes; with more, the largest confusions are shown, or of several labels the most frequent


@cache
def environment() -> Environment:
    """Return the templates' environment, which escapes all of the page, and Markdown's own marks in the card."""
    made = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=select_autoescape(["html"]),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {
        "percent": lambda value: "\N{EN DASH}" if value != value else f"{100 * value:.1f}%",
        "decimals": lambda value: "\N{EN DASH}" if value != value else f"{value:.3f}",
        "points": lambda value: f"{100 * value:+.1f}".replace("-", "\N{MINUS SIGN}"),
        "plain": lambda text: re.sub(r"([\\`*_{}\[\]<>|#$])", r"\\\1", " ".join(str(text).split())),
    }
    made.globals |= {"strengths": strengths, "zip": zip}
    return made


def card(facts: dict[str, Any]) -> str:
    """Return the model card in Markdown, of `facts_of` a run."""
    return environment().get_template("card.md").render(facts)


def page(run: Run, corpus: Corpus | None, predictor: Predictor, most_doubts: int | None = SAMPLE) -> str:
    """Return the report, which shows `corpus` and its rows of train if it is there.

    Args:
        run: The run.
        corpus: What it was tested on.
        predictor: Its model.
        most_doubts: How many rows of train to look at; None for all.
    """
    facts, tested = facts_of(run, corpus), run.tested
    data = run.config.get("data", {})
    matrix, ranked = tested.matrix(MOST_IN_MATRIX), rankings(tested)
    drawn = {
        "learning": learning_charts(run.epochs, run.checkpoint.get("epoch"), tested.several),
        "ranking": class_charts(tested, ranked),
        "calibration": calibration_charts(tested, run.results["decision"]["temperature"]),
    }
    doubts: list[Doubt] = []
    looked = 0
    if corpus is not None and "train" in corpus.splits and facts["same_corpus"]:
        doubts, looked = doubted_rows(corpus, predictor, most_doubts)
    found = slices(tested, predictor.tokenizer, corpus, data.get("label_column", "label"))
    lows = [group.accuracy.low for groups in found.values() for group in groups if group.accuracy.texts]
    return environment().get_template("page.html").render(
        facts
        | {
            "css": Markup((HERE / "page.css").read_text(encoding="utf-8")),  # our own
            "charts": drawn,
            "rankings": ranked,
            "matrix": matrix if len(matrix.names) <= MOST_IN_MATRIX else None,
            "confusions": confusions(tested.has, tested.got, 20),
            "slices": found,
            "floor": max(np.floor(10 * min(lows, default=0.0)) / 10, 0.0),
            "errors": explained_errors(tested, predictor),
            "doubts": doubts,
            "looked": looked,
            "sections": sections(predictor, run.folder),
            "card": card(facts),
        }
    )  # fmt: skip


def facts_of(run: Run, corpus: Corpus | None) -> dict[str, Any]:
    """Return what page and card share."""
    results, state, tested = run.results, run.checkpoint[KEY], run.tested
    answered = int(tested.answered.sum())
    weights = run.checkpoint["state_dict"].items()
    encoder = state["network"]["arguments"].get("encoder", {})
    changes = changed(run.config)
    return {
        "run": run,
        "results": results,
        "title": Path(results["corpus"]).name if Path(results["corpus"]).suffix else results["corpus"],
        "metrics": {name.removeprefix("test/"): value for name, value in results["metrics"].items()},
        "names": tested.names,
        "several": tested.several,
        "score": tested.score,
        "accuracy": share(int(tested.right[tested.answered].sum()), answered),
        "texts": len(tested.texts),
        "answered": answered,
        "classes": tested.classes,
        "weakest": min(tested.classes, key=lambda each: each.recall if each.support else 2.0),
        "baselines": [(each, share(sum(each["right"]), len(each["right"])), compared(results["right"], each["right"]))
                      for each in baselines_of(run)],
        "commands": registered("COMMANDS"),
        "network": encoder.get("class_path", state["network"]["name"]).rpartition(".")[2],
        "parameters": sum(weight.numel() for name, weight in weights if name.startswith(PREFIX)),
        "trained_on": state["corpus"],
        "same_corpus": state["fingerprint"] == results["fingerprint"],
        "state": state,
        "corpus": corpus,
        "sizes": {split: len(corpus.splits[split]) for split in SPLITS if split in corpus.splits} if corpus else {},
        "changed": changes,
        "reading": reading(results["corpus"], changes),
        "machine": run.facts.get("machine", {}),
        "commit": run.facts.get("git_commit"),
        "date": f"{datetime.fromtimestamp((run.folder / 'results.json').stat().st_mtime, UTC):%Y-%m-%d %H:%M} UTC",
    }  # fmt: skip


def compared(own: list[int | None], other: list[int]) -> tuple[float, float, float] | None:
    """Return the paired difference to a baseline; None if some texts were not answered."""
    return None if None in own else paired_difference([int(each or 0) for each in own], other)


def sections(predictor: Predictor, folder: Path) -> list[tuple[str, Markup]]:
    """Return the sections of other add-ons; one that cannot be made says why."""
    found = []
    for name, place in sorted(registered("SECTIONS").items()):
        try:
            title, fragment = load(place)(predictor, folder)
        except UserError as error:
            title, fragment = name.capitalize(), f"<p>{html.escape(str(error))}</p>"
        found.append((title, Markup(fragment)))  # the function has escaped it
    return found
