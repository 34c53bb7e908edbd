import json
from pathlib import Path

import pytest


def test_three_baselines_are_saved_for_the_results_page(sentiment, toy):
    assert sentiment("baselines", f"--data.corpus={toy}") == 0
    (path,) = Path("runs/baselines").glob("toy-*.json")
    facts = json.loads(path.read_text())
    assert [fact["name"] for fact in facts["baselines"]] == ["majority", "TF-IDF", "NB-SVM"]
    assert [len(fact["right"]) for fact in facts["baselines"]] == [10, 10, 10]


@pytest.mark.parametrize("words", [["--data.corpus=nowhere.csv"], ["--data.corpse=x"], ["--config=no.yaml"]])
def test_an_unusable_corpus_or_option_is_a_one_line_error(sentiment, capsys, words):
    assert sentiment("baselines", *words) == 2
    assert capsys.readouterr().err.count("\n") == 1
