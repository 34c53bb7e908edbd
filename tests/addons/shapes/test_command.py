import re
from functools import partial
from typing import Any

import pytest
import torch

from project.addons.shapes.command import rows_of, shares
from project.decision import Decision
from project.encoder import BiLSTMEncoder
from project.network import SentimentNetwork
from project.text import Tokenizer

TWO = Decision(("bad", "good"))
TOKENIZER = Tokenizer(["<pad>", "<unk>", "a", "warm", "film"])


def rows(texts: list[str], decision: Decision = TWO, **options: Any) -> dict[str, tuple[str, str]]:
    torch.manual_seed(0)
    network = SentimentNetwork(
        len(TOKENIZER), 2, embedding_dim=6, encoder=partial(BiLSTMEncoder, hidden_size=4, **options)
    ).eval()
    return {name.strip(): (shape, values) for name, shape, values in rows_of(texts, network, TOKENIZER, decision)}


def test_shapes_of_two_texts():
    shapes = {name: shape for name, (shape, _) in rows(["a warm film", "film"]).items()}
    assert shapes["token_ids (N,), packed"] == "4"
    assert shapes["batch_sizes (T,)"] == "3"
    assert shapes["embedded (N, E)"] == "4 x 6"
    assert shapes["output (B, T, D*H)"] == "2 x 3 x 8"
    assert shapes["h_n (L*D, B, H)"] == "2 x 2 x 4"
    assert shapes["features (B, F): concat, last"] == "2 x 8"
    assert shapes["logits (B, C)"] == "2 x 2"


@pytest.mark.parametrize("options", [{}, {"cell": "gru", "num_layers": 2}, {"initial_state": "learned"}])
def test_last_states_are_found_in_the_outputs(options):
    found = rows(["a warm film", "film"], **options)
    assert found["forward half, last token"][1] == found["last layer, forward"][1]
    assert found["backward half of output, first token"][1] == found["last layer, backward"][1]
    assert found["backward half of output, last token"][1] != found["last layer, backward"][1]


def test_a_single_direction_has_no_backward_half():
    assert not any("backward" in name for name in rows(["a film"], bidirectional=False))


@pytest.mark.parametrize("labels", ["one", "any"])
def test_probabilities_are_those_of_the_decision(labels):
    decision = Decision(("bad", "good"), temperature=0.5, labels=labels)
    found = rows(["a warm film"], decision)
    logits = [float(each) for each in found["logits (B, C)"][1].split(", ")]
    expected = decision(logits).probabilities
    shown = dict(each.split() for each in found["probabilities (of logits / 0.500)"][1].split(", "))
    assert {name: float(p) for name, p in shown.items()} == pytest.approx(expected, abs=2e-3)


def test_of_many_classes_the_most_probable_are_shown_in_their_order():
    shown = shares({f"label{number}": number / 100 for number in range(23)})
    assert shown.startswith("label3 0.030, label4 0.040, ")
    assert shown.endswith(", label22 0.220, and 3 smaller")


def test_the_command_prints_tokens_and_tensors(sentiment, fitted, capsys):
    checkpoint = fitted / "checkpoints" / "best.ckpt"
    assert sentiment("shapes", "--ckpt_path", checkpoint, "A dull film.") == 0
    out = capsys.readouterr().out
    assert "4 tokens: a dull film ." in out
    assert re.search(r"h_n \(L\*D, B, H\) +2 x 1 x 8", out)


def test_a_missing_checkpoint_is_a_one_line_error(sentiment, capsys):
    assert sentiment("shapes", "--ckpt_path=no.ckpt", "text") == 2
    assert capsys.readouterr().err.startswith("error: checkpoint no.ckpt does not exist")
