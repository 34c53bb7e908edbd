"""Bundle -> `Predictor`, with onnxruntime: a folder of plain files that needs neither torch nor the training code.

model.onnx       token_ids (B, T) int64, padded with 0, and lengths (B,) int32 -> logits (B, C)
tokenizer.json   vocabulary and rules, see `project.text.TokenizerState`
bundle.json      label names, decision, origin, and the digests of the other two
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import onnxruntime as ort

from project.decision import Decision, DecisionState
from project.errors import UserError
from project.predict import Logits, Predictor, TokenIds
from project.process import CORES
from project.text import PAD_ID, Tokenizer

FORMAT = 2
MODEL, TOKENIZER, FACTS = "model.onnx", "tokenizer.json", "bundle.json"


class BundleFacts(TypedDict):
    """The content of bundle.json."""

    format: int
    label_names: list[str]
    decision: DecisionState
    weights: str  # float32 or int8
    network: dict[str, Any]  # name and arguments, as in a checkpoint
    corpus: str  # on which it was trained
    fingerprint: str  # of the corpus
    versions: dict[str, str]
    parity: dict[str, float]  # with the checkpoint; see `project.export.parity.Parity`
    sha256: dict[str, str]  # of the other files


def read_bundle(folder: Path) -> tuple[BundleFacts, dict[str, bytes]]:
    """Read bundle.json, and the content of the other files by name, checked against their digests.

    Raises:
        UserError: A file is missing or damaged, or the bundle has another format.
    """
    try:
        facts: BundleFacts = json.loads((folder / FACTS).read_bytes())
        known, digests = facts["format"], facts["sha256"]
    except FileNotFoundError as error:
        raise UserError(f"{folder} is not a bundle: it has no {FACTS}; `sentiment export` writes one") from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"{folder / FACTS} is damaged; export the bundle again") from error
    if known != FORMAT:
        raise UserError(f"{folder} has bundle format {known}, this version reads format {FORMAT}: export it again")
    return facts, {name: checked(folder / name, digest) for name, digest in digests.items()}


def checked(path: Path, digest: str) -> bytes:
    """Return the content of a file.

    Raises:
        UserError: It is missing, or its SHA-256 is not `digest`.
    """
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != digest:
        raise UserError(f"{path} is missing or damaged; export the bundle again")
    return content


def open_bundle(folder: Path) -> Predictor:
    """Load a bundle.

    Raises:
        UserError: A file is missing or damaged, or the bundle has another format.
    """
    return predictor_of(*read_bundle(folder))


def predictor_of(facts: BundleFacts, files: dict[str, bytes]) -> Predictor:
    """Return the predictor for what `read_bundle` returned."""
    tokenizer = Tokenizer.from_state(json.loads(files[TOKENIZER]))
    session = open_session(files[MODEL])

    def logits(token_ids: Sequence[TokenIds]) -> Logits:
        longest = max(map(len, token_ids))
        padded = np.array([ids + [PAD_ID] * (longest - len(ids)) for ids in token_ids], dtype=np.int64)  # (B, T)
        lengths = np.array([len(ids) for ids in token_ids], dtype=np.int32)  # (B,)
        computed: Logits = session.run(["logits"], {"token_ids": padded, "lengths": lengths})[0].tolist()  # (B, C)
        return computed

    return Predictor(logits, tokenizer, Decision(tuple(facts["label_names"]), **facts["decision"]), in_threads)


def in_threads(function: Callable[[Any], Any], batches: Sequence[Any]) -> Iterable[Any]:
    """Return what `function` makes of each batch, computing as many at once as there are cores."""
    if min(CORES, len(batches)) < 2:
        return map(function, batches)
    from concurrent.futures import ThreadPoolExecutor  # imported here: one text in a fresh process needs none

    with ThreadPoolExecutor(min(CORES, len(batches))) as pool:
        return list(pool.map(function, batches))


def open_session(model: bytes) -> ort.InferenceSession:
    """Open an ONNX model with one thread per call; batches are computed in parallel instead."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # it would plan memory again for every new shape
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
