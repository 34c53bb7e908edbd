"""Faults that were planted into corpora whose texts have any number of labels."""

import random
from pathlib import Path
from typing import Any

import pytest

from project.addons.doctor.report import print_report
from tests.addons.doctor.corpora_with_faults import examine, sentences, write

pytest.importorskip("project.addons.multilabel")

NAMES = ["joy", "fear", "anger", "Überraschung", "喜び"]


def table_of(count: int, names: list[str] = NAMES) -> list[list[str]]:
    """Rows of texts with 0 to 3 labels drawn at random."""
    chosen = random.Random(0)
    return [[text, "|".join(chosen.sample(names, chosen.choice([0, 1, 1, 2, 2, 3])))] for text in sentences(count)]


def findings(path: Path, **options: Any) -> dict[str, dict[str, Any]]:
    found = examine(path, labels="any", val_share=0.0, test_share=0.0, **options)["findings"]
    return {each["kind"]: each for each in found}


def found_in(tmp_path: Path, table: list[list[str]], head: tuple[str, ...] = ("text", "label"), **options: Any) -> Any:
    return findings(write(tmp_path / "any.csv", table, head), **options)


def test_labels_drawn_at_random_are_nothing_to_look_at(tmp_path):
    assert found_in(tmp_path, table_of(300)) == {}


def test_each_label_is_counted_and_so_are_their_numbers(tmp_path):
    table = [[text, label] for text, label in zip(sentences(4), ["a|b", "b", "", "c|a|b"], strict=True)]
    path = write(tmp_path / "any.csv", table)
    facts = examine(path, labels="any", val_share=0.0, test_share=0.0)["splits"]["train"]
    assert facts["classes"] == {"a": 2, "b": 3, "c": 1}
    assert {name: facts[name] for name in facts if "label" in name} == {
        "texts without a label": 0.25,
        "texts with several labels": 0.5,
        "labels of a text, most": 3,
        "sets of labels": 4,
    }


def test_names_that_differ_by_case_or_spaces_are_found_with_their_texts(tmp_path):
    table = [*table_of(300), [sentences(301)[300], "joy|Fear"], [sentences(302)[301], "f ear"]]
    path = write(tmp_path / "any.csv", table)
    found = examine(path, labels="any", val_share=0.0, test_share=0.0)["findings"]
    alike = [(each["what"], each["examples"][0]["place"]) for each in found if each["kind"] == "labels alike"]
    assert (
        "labels 'Fear' and 'fear' differ only in case, spaces or hyphens; texts of the first: 1",
        f"{path}:302",
    ) in alike
    assert (
        "labels 'f ear' and 'fear' differ only in case, spaces or hyphens; texts of the first: 1",
        f"{path}:303",
    ) in alike


def test_rare_labels_are_one_finding(tmp_path):
    table = table_of(300)
    for row, name in enumerate(["rare one", "odd one", "odd one"]):
        table[row][1] += f"|{name}"
    found = found_in(tmp_path, table)
    assert found["rare labels"]["count"] == 2
    assert [each["remark"] for each in found["rare labels"]["examples"]] == ["rare one: 1 in all", "odd one: 2 in all"]


def test_a_label_far_rarer_than_another(tmp_path):
    table = table_of(600)
    for row in range(12):
        table[row][1] += "|shame"
    advice = found_in(tmp_path, table)["uneven classes"]["advice"]
    assert advice == "--model.class_weights=balanced; go by F1 rather than by exact match"


def test_labels_that_come_together(tmp_path):
    table = [[text, f"{labels}|glee" if "joy" in labels else labels] for text, labels in table_of(300)]
    both = sum("joy" in labels for _, labels in table)
    (example, *more) = found_in(tmp_path, table)["labels together"]["examples"]
    assert (example["remark"], more) == (f"glee ({both}) and joy ({both}): {both} texts", [])


def test_a_label_that_implies_another(tmp_path):
    table = table_of(300)
    for number, row in enumerate(table):
        row[1] += "|terror" if "fear" in row[1] and number % 2 else ""
    found = found_in(tmp_path, table)
    (example,) = found["label implied"]["examples"]
    assert example["remark"].startswith("terror (")
    assert " with fear (" in example["remark"]
    assert "labels together" not in found


def test_a_label_of_nearly_all_texts_tells_little(tmp_path):
    table = [[text, f"{labels}|text"] for text, labels in table_of(300)]
    found = found_in(tmp_path, table)
    assert found["label everywhere"]["what"] == "label 'text' is that of 100.0% of all texts"
    assert "label implied" not in found  # by every other one


def test_many_texts_without_a_label(tmp_path):
    table = [[text, labels if number % 3 == 0 else ""] for number, (text, labels) in enumerate(table_of(300))]
    assert found_in(tmp_path, table)["no label"]["count"] >= 200


def test_a_text_with_most_of_all_labels(tmp_path):
    names = [*NAMES, "pride", "relief"]
    path = write(tmp_path / "any.csv", [*table_of(299, names), [sentences(300)[299], "|".join(names[:4])]])
    (example,) = findings(path)["many labels"]["examples"]
    assert (example["place"], example["remark"]) == (f"{path}:301", "4 labels")


def test_texts_of_one_label_each(tmp_path):
    table = [[text, NAMES[number % 5]] for number, text in enumerate(sentences(100))]
    assert found_in(tmp_path, table)["one label"]["advice"].startswith("--data.labels=one")


def test_sets_of_their_own(tmp_path):
    names = [f"label {number}" for number in range(40)]
    assert found_in(tmp_path, table_of(300, names))["single sets"]["count"] > 100


def test_a_row_for_each_label_of_a_text(tmp_path):
    table = [[text, name] for text, labels in table_of(200) for name in labels.split("|") if name]
    found = found_in(tmp_path, table)["contradictions"]
    assert found["spoils"]
    assert "join these rows into one" in found["advice"]


def test_equal_texts_with_other_sets_and_with_none(tmp_path):
    table = [*table_of(300), *([text, labels] for text in sentences(301)[300:] for labels in ("fear|joy", ""))]
    path = write(tmp_path / "any.csv", table)
    found = findings(path)["contradictions"]["examples"]
    assert [each["remark"] for each in found] == [
        f"fear|joy; no label at {path}:303",
        f"no label; fear|joy at {path}:302",
    ]


def flags_of(table: list[list[str]]) -> list[list[str]]:
    return [[text, *(str(int(name in labels.split("|"))) for name in NAMES)] for text, labels in table]


@pytest.mark.parametrize("label_column", ["is_*", ",".join(f"is_{name}" for name in NAMES)])
def test_columns_of_labels_tell_nothing_of_others(tmp_path, label_column):
    head = ("text", *(f"is_{name}" for name in NAMES))
    assert found_in(tmp_path, flags_of(table_of(300)), head, label_column=label_column) == {}


def test_another_column_that_tells_a_label(tmp_path):
    table = [
        [*row, "yes" if row[3] == "1" else "no", str(number % 7)] for number, row in enumerate(flags_of(table_of(300)))
    ]
    head = ("text", *(f"is_{name}" for name in NAMES), "angry", "week")
    found = found_in(tmp_path, table, head, label_column="is_*")
    assert list(found) == ["telling column"]
    what = "column 'angry' tells 1 of 5 labels, best 'is_anger': that of 100.0% or more of"
    assert found["telling column"]["what"].startswith(what)


def test_the_report_is_printed_with_names_of_other_scripts(tmp_path, capsys):
    path = write(tmp_path / "any.csv", [*table_of(30)])
    print_report(examine(path, labels="any", val_share=0.0, test_share=0.0))
    out = capsys.readouterr().out
    assert "class 喜び" in out
    assert "class Überraschung" in out


def test_the_command_takes_any_number_of_labels(sentiment, tmp_path, capsys):
    path = write(tmp_path / "any.csv", table_of(60))
    options = ("--data.labels=any", "--data.vectors=null", "--data.val_share=0", "--data.test_share=0")
    assert sentiment("doctor", f"--data.corpus={path}", *options) == 0
    assert "texts without a" in capsys.readouterr().out
