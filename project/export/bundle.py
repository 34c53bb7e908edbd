"""Bundle -> `Predictor`, with onnxruntime: a folder of plain files that needs neither torch nor the training code.

model.onnx       token_ids (B, T) int64, padded with 0, and lengths (B,) int32 -> logits (B, C)
tokenizer.json   vocabulary and rules, see `project.text.TokenizerState`
bundle.json      label names, decision, origin, and the digests of all three
"""

import hashlib
import json
import math
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import onnxruntime as ort

from project.decision import Decision, DecisionState
from project.errors import UserError
from project.export.allowed import check_model
from project.export.values import DECISION_RULES, FACTS_RULES, TOKENIZER_RULES, check
from project.predict import Logits, Predictor
from project.process import CORES
from project.text import PAD_ID, UNK_ID, Tokenizer

FORMAT = 4
MODEL, TOKENIZER, FACTS = "model.onnx", "tokenizer.json", "bundle.json"
LARGEST = {MODEL: 2**30, TOKENIZER: 50 * 2**20, FACTS: 2**20}  # bytes
TRIAL_MEMORY = 2**30  # bytes that opening a model may take besides four times its own size


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
    sha256: dict[str, str]  # of the other files, and `facts_digest`


def read_bundle(folder: Path) -> tuple[BundleFacts, dict[str, bytes]]:
    """Read bundle.json, and the content of the other files by name, all checked against their digests.

    Raises:
        UserError: A file is missing or damaged, a value makes no sense, or the bundle has another format.
    """
    path = folder / FACTS
    if not path.exists():
        raise UserError(f"{folder} is not a bundle: it has no {FACTS}; `sentiment export` writes one")
    try:
        facts: BundleFacts = json.loads(content_of(path))
        known, digests = facts["format"], {FACTS: facts_digest(facts)}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UserError(f"{path} is damaged; export the bundle again") from error
    if known != FORMAT:
        raise UserError(f"{folder} has bundle format {known!r:.9}, this version reads format {FORMAT}: export it again")
    check(path, facts, FACTS_RULES)
    check(path, {"labels": "one", "least": 0, **facts["decision"]}, DECISION_RULES)  # older bundles do not say it
    files = {name: content_of(folder / name) for name in (MODEL, TOKENIZER)}
    digests |= {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    for name, digest in digests.items():
        if facts["sha256"].get(name) != digest:
            raise UserError(f"{folder / name} is missing or damaged; export the bundle again")
    return facts, files


def content_of(path: Path) -> bytes:
    """Return the content of a file, nothing if it is missing.

    Raises:
        UserError: It cannot be read, is too large, or is a symbolic link, which could lead out of the bundle.
    """
    most = LARGEST[path.name]
    if path.is_symlink() or (path.is_file() and path.stat().st_size > most):
        raise UserError(f"{path} is a symbolic link, or larger than {most:,} bytes: put the exported file there")
    try:
        return path.read_bytes() if path.is_file() else b""
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error


def facts_digest(facts: BundleFacts) -> str:
    """Return the SHA-256 of what bundle.json says, except for this digest.

    Raises:
        ValueError: It holds NaN or infinity.
    """
    others = {name: digest for name, digest in facts["sha256"].items() if name != FACTS}
    content = json.dumps({**facts, "sha256": others}, sort_keys=True, allow_nan=False)
    return hashlib.sha256(content.encode()).hexdigest()


def open_bundle(folder: Path) -> Predictor:
    """Load a bundle.

    Raises:
        UserError: A file is missing or damaged, a value makes no sense, or the bundle has another format.
    """
    return predictor_of(*read_bundle(folder))


def predictor_of(facts: BundleFacts, files: dict[str, bytes]) -> Predictor:
    """Return the predictor for what `read_bundle` returned.

    Raises:
        UserError: A file is not of its kind, or the files do not belong together.
    """
    decision = Decision(tuple(facts["label_names"]), **facts["decision"])
    classes = len(decision.label_names)
    try:
        check(Path(TOKENIZER), state := json.loads(files[TOKENIZER]), TOKENIZER_RULES)
        tokenizer = Tokenizer.from_state(state)
        check_model(files[MODEL])

        def logits(token_ids: Sequence[list[int]]) -> Logits:
            longest = max(map(len, token_ids))
            padded = np.array([ids + [PAD_ID] * (longest - len(ids)) for ids in token_ids], dtype=np.int64)  # (B, T)
            lengths = np.array([len(ids) for ids in token_ids], dtype=np.int32)  # (B,)
            computed: Logits = session.run(["logits"], {"token_ids": padded, "lengths": lengths})[0].tolist()  # (B, C)
            return computed

        with limited_memory(TRIAL_MEMORY + 4 * len(files[MODEL])):
            session = open_session(files[MODEL])
            (row,) = logits([[UNK_ID, len(tokenizer) - 1]])
        if len(row) != classes or not all(map(math.isfinite, row)) or len(decision.thresholds) not in (0, classes):
            raise ValueError("not one finite logit, or threshold, for each label")
    except (UserError, ModuleNotFoundError):  # a tokenizer may need a package
        raise
    except Exception as error:  # files of another kind can raise anything
        raise UserError(f"{MODEL} does not run with this {TOKENIZER} and {FACTS}; export the bundle again") from error
    return Predictor(logits, tokenizer, decision, in_threads)


@contextmanager
def limited_memory(more: int) -> Iterator[None]:
    """Limit how many more bytes this process may take, on Linux: a few nodes can make tensors of any size.

    A process that already has several threads is not limited: the limit would be theirs too.
    """
    if sys.platform != "linux" or threading.active_count() > 1:
        yield
        return
    import resource  # no other system has it, or such a limit

    old, pages = resource.getrlimit(resource.RLIMIT_AS), int(Path("/proc/self/statm").read_text().split()[0])
    limits = [each for each in (pages * resource.getpagesize() + more, *old) if each >= 0]
    resource.setrlimit(resource.RLIMIT_AS, (min(limits), old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, old)


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
    options.log_severity_level = 4  # what fails is raised; a second line on standard error adds nothing
    # constants are few in what export writes, and folding those of another graph could take any time
    return ort.InferenceSession(model, options, ["CPUExecutionProvider"], disabled_optimizers=["ConstantFolding"])
