"""Bad models and bad requests: bundles, checkpoints and vectors that were edited or damaged, bodies of requests."""

import asyncio
import hashlib
import json
import shutil
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.fuzz_child import Case
from benchmarks.fuzz_inputs import SMALL, mutated, write
from benchmarks.victim import Models

ODD: list[Any] = [
    None,
    True,
    -1,
    0,
    1e308,
    10**400,
    float("nan"),
    "",
    "x" * 100_000,
    "\ud800",
    [],
    [[]],
    {},
    {"a": {"a": {}}},
    [0] * 9999,
]
BUNDLE_FILES = ("model.onnx", "tokenizer.json", "bundle.json")


# bundles


def seal(bundle: Path) -> None:
    """Make the digests of a bundle fit."""
    from project.export.bundle import facts_digest

    facts = json.loads((bundle / "bundle.json").read_text())
    try:
        for name in BUNDLE_FILES[:2]:
            facts["sha256"][name] = hashlib.sha256((bundle / name).read_bytes()).hexdigest()
        facts["sha256"]["bundle.json"] = facts_digest(facts)
    except (TypeError, KeyError, ValueError, AttributeError):
        return
    (bundle / "bundle.json").write_text(json.dumps(facts))


def edited_json(bundle: Path, name: str, key: str, value: Any, folder: Path) -> None:
    """Copy a bundle with another value for a key of a JSON file, whose place may be within others."""
    copy = shutil.copytree(bundle, folder / "bundle")
    content = json.loads((copy / name).read_text())
    *outer, last = key.split(".")
    place = content
    for each in outer:
        place = place[each]
    place[last] = value
    (copy / name).write_text(json.dumps(content))
    seal(copy)


def damaged_file(bundle: Path, name: str, seed: str, folder: Path) -> None:
    """Copy a bundle with changes in the bytes of a file, and digests that fit."""
    copy = shutil.copytree(bundle, folder / "bundle")
    (copy / name).write_bytes(mutated((copy / name).read_bytes(), seed))
    try:
        seal(copy)
    except ValueError:
        return


def edited_graph(bundle: Path, edit: Callable[[Any], Any], folder: Path) -> None:
    """Copy a bundle with an edited graph, and digests that fit."""
    import onnx

    copy = shutil.copytree(bundle, folder / "bundle")
    model = onnx.load(copy / "model.onnx")
    edit(model)
    (copy / "model.onnx").write_bytes(model.SerializeToString())
    seal(copy)


def node(operator: str, *inputs: str, times: int = 1, output: str = "more", **attributes: Any) -> Callable[[Any], Any]:
    """Return what adds nodes to a graph."""

    def edit(model: Any) -> None:
        from onnx import helper

        for number in range(times):
            made = helper.make_node(operator, inputs, [f"{output}{number}"], **attributes)
            model.graph.node.insert(0, made)

    return edit


def endless(operator: str) -> Callable[[Any], Any]:
    """Return what adds control flow."""

    def edit(model: Any) -> None:
        from onnx import TensorProto, helper

        flag = helper.make_tensor("flag", TensorProto.BOOL, [], [True])
        values = [helper.make_tensor_value_info(name, TensorProto.BOOL, []) for name in ("on", "again")]
        turn = helper.make_tensor_value_info("turn", TensorProto.INT64, [])
        body = helper.make_graph(
            [helper.make_node("Identity", ["on"], ["again"])], "body", [turn, values[0]], values[1:]
        )
        attributes = {"then_branch": body, "else_branch": body} if operator == "If" else {"body": body}
        model.graph.initializer.append(flag)
        model.graph.node.append(helper.make_node(operator, ["", "flag"], [], **attributes))

    return edit


def growing(shape: list[int], doublings: int = 0) -> Callable[[Any], Any]:
    """Return what adds the sum of a tensor of any size to the logits."""

    def edit(model: Any) -> None:
        import numpy as np
        from onnx import helper, numpy_helper

        values = {"zero": np.float32(0), "shape": np.array(shape), "axes": np.arange(len(shape))}
        model.graph.initializer.extend(numpy_helper.from_array(np.array(value), name) for name, value in values.items())
        last = model.graph.node[-1]
        logits, last.input[0] = last.input[0], "sum"
        nodes: list[tuple[str, list[str], str, dict[str, Any]]] = [("Expand", ["zero", "shape"], "d0", {})]
        nodes += [("Concat", [f"d{n}", f"d{n}"], f"d{n + 1}", {"axis": 0}) for n in range(doublings)]
        nodes += [
            ("ReduceSum", [f"d{doublings}", "axes"], "total", {"keepdims": 0}),
            ("Add", [logits, "total"], "sum", {}),
        ]
        for operator, inputs, output, attributes in nodes:
            made = helper.make_node(operator, inputs, [output], **attributes)
            model.graph.node.insert(len(model.graph.node) - 1, made)

    return edit


def function(model: Any) -> None:
    """Add a function."""
    from onnx import helper

    inner = helper.make_node("Identity", ["a"], ["b"])
    model.functions.append(helper.make_function("own", "F", ["a"], ["b"], [inner], [helper.make_opsetid("", 18)]))


def elsewhere(place: str, model: Any) -> None:
    """Name another file for a weight."""
    weight = model.graph.initializer[0]
    weight.data_location = 1
    for key, value in (("location", place), ("length", "40")):
        entry = weight.external_data.add()
        entry.key, entry.value = key, value
    weight.ClearField("raw_data")


def first_weight(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return what changes a weight."""
    return lambda model: change(model.graph.initializer[0])


GRAPHS: dict[str, Callable[[Any], Any]] = {
    **{operator: endless(operator) for operator in ("Loop", "If", "Scan", "SequenceMap")},
    **{
        f"weights in {place}": partial(elsewhere, place)
        for place in ("w.bin", "../w.bin", "/etc/passwd", "tokenizer.json")
    },
    "another domain": node("Evil", "lengths", domain="evil"),
    "ai.onnx.ml": node("StringSplit", "lengths", domain="ai.onnx.ml"),
    "a file of EPContext": node("EPContext", "lengths", domain="com.microsoft", ep_cache_context="/etc/passwd"),
    "a function": function,
    "200,000 nodes": node("Identity", "lengths", times=200_000),
    "64 GB in a node": growing([2**20, 2**14]),
    "a tensor of 2**62": growing([2**31, 2**31]),
    "3 GB in a node": growing([3 * 2**28]),
    "2**40 by doubling": growing([2**10], doublings=40),
    "a random node": node("RandomNormal", shape=[2**20, 2**14]),
    "no nodes": lambda model: model.graph.ClearField("node"),
    "no weights": lambda model: model.graph.ClearField("initializer"),
    "no outputs": lambda model: model.graph.ClearField("output"),
    "a weight of another shape": first_weight(lambda weight: weight.dims.append(2**40)),
    "a weight below zero": first_weight(lambda weight: weight.dims.append(-1)),
    "a weight of strings": first_weight(lambda weight: setattr(weight, "data_type", 8)),
    "a weight of no bytes": first_weight(lambda weight: weight.ClearField("raw_data")),
    "an operator set of the future": lambda model: setattr(model.opset_import[0], "version", 999),
    "a format of the future": lambda model: setattr(model, "ir_version", 999),
    "an unknown operator": node("NoSuch", "lengths"),
    "a cycle": node("Add", "more0", "more0"),
    "a name of 10 MB": node("x" * 10_000_000, "lengths"),
}


def bundles(models: Models) -> Iterator[Case]:
    """Yield bundles; nothing in a tree that has none."""
    if models.bundle is None:
        return
    prepared: dict[str, Callable[[Path], None]] = {
        name: partial(edited_graph, models.bundle, edit) for name, edit in GRAPHS.items()
    }
    facts = ["format", "label_names", "decision", "decision.temperature", "decision.thresholds", "weights", "network"]
    keys = {"bundle.json": [*facts, "corpus", "versions", "parity", "sha256"]}
    keys["tokenizer.json"] = ["scheme", "tokens", "json", "max_length", "truncation", "code", "sample"]
    for name, places in keys.items():
        for number, place in enumerate(places):
            for value in ODD[number % 3 :: 3]:
                prepared[f"{name} {place} {value!r:.20}"] = partial(edited_json, models.bundle, name, place, value)
    for name in BUNDLE_FILES:
        for number in range(25):
            seed = f"{name} {number}"
            prepared[f"damaged {seed}"] = partial(damaged_file, models.bundle, name, seed)
    for name, prepare in prepared.items():
        yield Case("bundles", name, ("classify", "--ckpt_path", "bundle", "A lovely film."), prepare)


# checkpoints


def edited_checkpoint(source: Path, place: tuple[str, ...], value: Any, folder: Path) -> None:
    """Write a checkpoint with another value at a place."""
    import torch

    content = torch.load(source, weights_only=True)
    found = content
    for each in place[:-1]:
        found = found[each]
    found[place[-1]] = value() if callable(value) else value
    torch.save(content, folder / "bad.ckpt")


def stored(content: Callable[[], Any], folder: Path) -> None:
    """Write a file of torch's."""
    import torch

    torch.save(content(), folder / "bad.ckpt")


def repeated_number() -> Any:
    """Return a tensor of few bytes and very many numbers."""
    import torch

    return torch.zeros(1).expand(10**12)


class Harmful:
    """Would run a command when it is loaded."""

    def __reduce__(self) -> Any:
        """Name a function and its argument."""
        import os

        return os.system, ("echo harmful > harm.txt",)


def bomb(folder: Path) -> None:
    """Write an archive of torch's kind that unpacks to 2 GB."""
    with (
        zipfile.ZipFile(folder / "bad.ckpt", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a/data.pkl", "w") as file,
    ):
        for _ in range(2000):
            file.write(bytes(2**20))


def checkpoints(models: Models) -> Iterator[Case]:
    """Yield checkpoints and files to start from."""
    state, encoder = ("sentiment",), ("sentiment", "network", "arguments", "encoder", "init_args")
    places: list[tuple[str, ...]] = [
        (*state, key) for key in ("format", "network", "tokenizer", "label_names", "decision", "versions")
    ]
    places += [(*state, "network", key) for key in ("name", "arguments")] + [(*state, "tokenizer", "tokens")]
    places += [
        (*state, "decision", "thresholds"),
        ("state_dict",),
        ("hyper_parameters",),
        ("state_dict", "network.classifier.bias"),
    ]
    places += [("datamodule_hyper_parameters",), ("hyper_parameters", "encoder"), ("optimizer_states",), ("loops",)]
    prepared: dict[str, Callable[[Path], None]] = {"a bomb": bomb, "harmful": partial(stored, Harmful)}
    for number, place in enumerate(places):
        for value in ODD[number % 4 :: 4]:
            prepared[f"{place[-1]} {value!r:.20}"] = partial(edited_checkpoint, models.checkpoint, place, value)
    for value in (0, -1, 9, 10**6, 10**9, 10**30, "8", None):
        for key in ("hidden_size", "num_layers"):
            prepared[f"{key} {value}"] = partial(edited_checkpoint, models.checkpoint, (*encoder, key), value)
    prepared["a number that is repeated"] = partial(
        edited_checkpoint, models.checkpoint, ("state_dict", "network.classifier.bias"), repeated_number
    )
    whole = models.checkpoint.read_bytes()
    for number in range(40):
        prepared[f"damaged {number}"] = write("bad.ckpt", mutated(whole, f"checkpoint {number}"))
    corpus = f"--data.corpus={models.checkpoint.parent / 'own.csv'}"
    for number, (name, prepare) in enumerate(prepared.items()):
        yield Case(
            "checkpoints", f"classify {name}", ("classify", "--ckpt_path", "bad.ckpt", "A lovely film."), prepare
        )
        if number % 3 == 0:
            quiet = ("--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false")
            yield Case("checkpoints", f"test {name}", ("test", "--ckpt_path=bad.ckpt", corpus, *quiet), prepare)
        if number % 9 == 1:
            yield Case("checkpoints", f"fit {name}", ("fit", "--ckpt_path=bad.ckpt", corpus, *SMALL), prepare)
        if number % 9 == 2:
            words = ("fit", corpus, *SMALL, "--model.init_from=bad.ckpt")
            yield Case("checkpoints", f"init_from {name}", words, prepare)


# bodies of requests


BODIES = [
    *(
        b"",
        b"{",
        b"[]",
        b"null",
        b"3",
        b'"a"',
        b"{}",
        b'{"text": 3}',
        b'{"text": null}',
        b'{"text": ""}',
        b'{"text": []}',
    ),
    *(b'{"texts": []}', b'{"texts": [1]}', b'{"texts": "a"}', b'{"texts": [null]}', b'{"text": "a", "texts": ["b"]}'),
    *(b'{"txt": "a"}', b'{"text": "\\ud800"}', b'{"text": "a\\u0000"}', b"\xff", b"\xff\xfe{\0}\0", b"[" * 100_000),
    *(
        b'{"text": ' + b"[" * 3000 + b"]" * 3000 + b"}",
        b'{"text": "' + b"x" * 99_000 + b'"}',
        b'{"text": "' + b"x " * 600_000,
    ),
    *(
        b'{"text": ' + b"9" * 5000 + b"}",
        b'{"text": NaN}',
        b'{"text": 1e999}',
        b'{"texts": [' + b'"a",' * 300 + b'"a"]}',
    ),
    *(b'{"text": "a", "text": "b"}', b'{"a": ' * 2000, b'{"text": "' + b"a. " * 30_000 + b'"}', b"\0" * 1000, b"true"),
]


def bodies(models: Models) -> Iterator[Case]:
    """Yield bodies of requests; nothing in a tree that has no server."""
    if models.bundle is None:
        return
    contents = BODIES + [mutated(b'{"texts": ["A lovely film.", "A dull plot."]}', f"body {n}") for n in range(30)]
    for number, content in enumerate(contents):
        path = ("/predict", "/explain", "/predict")[number % 3]
        run = partial(ask, models.bundle, path, content)
        yield Case("bodies of requests", f"{path} {content[:40]!r}", (), run=run)


def ask(bundle: Path, path: str, body: bytes) -> int:
    """Send a request to the application; return 0 if it is answered, 2 if it is refused."""
    from project.export.bundle import predictor_of, read_bundle
    from project.serve.app import create_app

    facts, files = read_bundle(bundle)
    status, answer = asyncio.run(answered(create_app(predictor_of(facts, files), facts, threading.Event()), path, body))
    if status >= 500:
        raise RuntimeError(f"{status} {answer[:200]!r}")
    if status >= 400:
        print(f"error: {status} {' '.join(answer.decode().split())}", file=sys.stderr)
    return 2 if status >= 400 else 0


async def answered(app: Any, path: str, body: bytes) -> tuple[int, bytes]:
    """Return status and body of the answer to a request."""
    parts: list[Any] = []
    left = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        if left:
            return left.pop()
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        parts.append(message)

    started, stopped = asyncio.Event(), asyncio.Event()

    async def lifespan_receive() -> Any:
        if not started.is_set():
            return {"type": "lifespan.startup"}
        await stopped.wait()
        return {"type": "lifespan.shutdown"}

    async def lifespan_send(message: Any) -> None:
        started.set()

    life = asyncio.ensure_future(app({"type": "lifespan", "asgi": {"version": "3.0"}}, lifespan_receive, lifespan_send))
    await started.wait()
    headers = [(b"content-type", b"application/json"), (b"host", b"localhost")]
    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b""}
    scope |= {
        "headers": headers,
        "http_version": "1.1",
        "scheme": "http",
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    await app(scope | {"asgi": {"version": "3.0"}}, receive, send)
    stopped.set()
    await life
    return parts[0]["status"], b"".join(part.get("body", b"") for part in parts[1:])


PARTS: list[Callable[[Models], Iterator[Case]]] = [bundles, checkpoints, bodies]
