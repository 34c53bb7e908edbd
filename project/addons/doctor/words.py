"""Lengths in tokens, and words that the vocabulary or the pretrained vectors do not know."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from project.addons.doctor.texts import Finding
from project.datamodule import SentimentDataModule
from project.errors import UserError
from project.ingest import Corpus
from project.text import UNK_ID

UNCUT = 1_000_000_000  # tokens: no text is longer
KEPT = 95  # percent of the texts of train that the suggested max_length keeps whole
STEP = 16  # tokens; the suggestion is a multiple
CUT = 0.05  # share of the tokens of a split that are cut off, from which on it is worth a look
UNKNOWN, MOST_UNKNOWN = 0.2, 0.5  # share of the tokens of val or test: worth a look; spoils training


def prepared(settings: dict[str, Any]) -> tuple[SentimentDataModule, list[Finding]]:
    """Return a data module with vocabulary and vectors, without vectors if these cannot be had, or without both."""
    found: list[Finding] = []
    for vectors in dict.fromkeys((settings["vectors"], None)):
        data = SentimentDataModule(**{**settings, "vectors": vectors})
        try:
            data.prepare_data()
            data.setup("fit")
            break
        except UserError as error:
            found = found or [Finding("vocabulary", True, str(error), 1, "correct this first: fit would stop here", [])]
    return data, found


def measure(data: SentimentDataModule, corpus: Corpus, max_length: int) -> dict[str, dict[str, Any]]:
    """Return lengths and shares by split: numbers of tokens as int, shares as float."""
    measured: dict[str, dict[str, Any]] = {}
    table, facts = data.encoded.table, data.facts() if data.tokenizer else None
    for split in (each for each in corpus.splits if len(corpus.splits[each])):
        tokens = data.encoded.split(split)
        lengths = np.diff(tokens.starts)
        middle, most, nearly_all = np.percentile(lengths, (50, KEPT, 99), method="higher").tolist()
        figures = {"tokens, median": middle, f"tokens, {KEPT} %": most, "tokens, 99 %": nearly_all}
        figures |= {
            "tokens, longest": int(lengths.max()),
            "texts above max_length": float((lengths > max_length).mean()),
        }
        figures["tokens cut off"] = float((lengths - max_length).clip(0).sum() / lengths.sum())
        if facts is not None:
            counts = np.bincount(tokens.tokens, minlength=len(table))
            ids = np.array([facts.tokenizer.token_id(token) for token in table])
            figures["unknown tokens"] = float(counts[ids == UNK_ID].sum() / counts.sum())
            if facts.pretrained is not None:
                vectors = facts.pretrained[1].numpy()[ids] & (ids != UNK_ID)
                figures["tokens with vectors"] = float(counts[vectors].sum() / counts.sum())
        measured[split] = figures
    return measured


def word_findings(measured: dict[str, dict[str, Any]], settings: dict[str, Any]) -> Iterator[Finding]:
    """Yield what training would not see of the texts."""
    longest = measured.get("train", {}).get(f"tokens, {KEPT} %", 0)
    for split, figures in measured.items():
        if figures["tokens cut off"] > CUT:
            what = (
                f"tokens of {split} that max_length={settings['max_length']} cuts off: {figures['tokens cut off']:.1%}"
            )
            keeps = f"--data.max_length={-(-longest // STEP) * STEP} keeps {KEPT} % of the texts of train whole"
            advice = f"{keeps}; or choose what is kept with --data.truncation=head+tail"
            yield Finding(
                "long texts", False, f"{what}, in {figures['texts above max_length']:.1%} of its texts", 1, advice, []
            )
        unknown = figures.get("unknown tokens", 0.0)
        if split != "train" and unknown > UNKNOWN:
            what = f"tokens of {split} that the vocabulary of train does not know: {unknown:.1%}"
            advice = "--data.tokenizer=bpe, --data.min_freq=1, or vectors of the language with --data.vectors=FILE"
            yield Finding("unknown words", unknown > MOST_UNKNOWN, what, 1, advice, [])
