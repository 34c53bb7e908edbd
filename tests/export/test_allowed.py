"""Graphs that export would never write: refused before onnxruntime sees them, whatever the digests say."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from project import load
from project.errors import UserError
from project.export import allowed
from project.export.allowed import check_model
from tests.export.test_damage import refusal, seal


@pytest.fixture
def bundle(exported_once: Path, tmp_path: Path) -> Path:
    return shutil.copytree(exported_once, tmp_path / "bundle")


def change(bundle: Path, edit: Callable[[onnx.ModelProto], object]) -> None:
    """Change the graph, and make all digests fit."""
    model = onnx.load(bundle / "model.onnx")
    edit(model)
    (bundle / "model.onnx").write_bytes(model.SerializeToString())
    seal(bundle)


def add_node(operator: str, *inputs: str, **attributes: Any) -> Callable[[onnx.ModelProto], object]:
    return lambda model: model.graph.node.append(helper.make_node(operator, inputs, ["more"], **attributes))


def loop(model: onnx.ModelProto) -> None:
    """Add a loop without an end."""
    true = helper.make_tensor("true", TensorProto.BOOL, [], [True])
    names = [helper.make_tensor_value_info(name, TensorProto.BOOL, []) for name in ("on", "again")]
    turn = helper.make_tensor_value_info("turn", TensorProto.INT64, [])
    body = helper.make_graph([helper.make_node("Identity", ["on"], ["again"])], "body", [turn, names[0]], names[1:])
    model.graph.initializer.append(true)
    model.graph.node.append(helper.make_node("Loop", ["", "true"], [], body=body))


def function(model: onnx.ModelProto) -> None:
    node = helper.make_node("Identity", ["a"], ["b"])
    model.functions.append(helper.make_function("own", "F", ["a"], ["b"], [node], [helper.make_opsetid("", 18)]))


HOSTILE = {
    "a loop": (loop, "field 6 of onnx.proto's attribute: control flow"),
    "a function": (function, "field 25 of onnx.proto's model"),
    "another domain": (add_node("Evil", "lengths", domain="evil"), "the domain b'evil'"),
    "another set of operators": (lambda m: m.opset_import.append(helper.make_opsetid("evil", 1)), "domain b'evil'"),
    "a sparse weight": (lambda m: m.graph.sparse_initializer.add(), "field 15 of onnx.proto's graph"),
    "another input": (lambda m: setattr(m.graph.input[0], "name", "pixels"), "the input b'pixels'"),
    "another output": (lambda m: m.graph.output.append(helper.make_tensor_value_info("x", 1, [])), "the output b'x'"),
    "training": (lambda m: m.training_info.add(), "field 20 of onnx.proto's model"),
}


@pytest.mark.parametrize(("edit", "message"), HOSTILE.values(), ids=HOSTILE.keys())
def test_what_export_does_not_write_is_refused(bundle, edit, message):
    change(bundle, edit)
    assert message in refusal(bundle)


def test_too_many_nodes_are_refused(bundle, monkeypatch):
    monkeypatch.setattr(allowed, "MOST_PARTS", 50)
    assert "or too many parts" in refusal(bundle)


@pytest.mark.parametrize("content", [b"", b"\xff" * 30, b"no model", b"\x0b\x0c" * 5, b"\x38\x01"])
def test_what_is_no_model_is_refused(bundle, content):
    (bundle / "model.onnx").write_bytes(content)
    seal(bundle)
    assert refusal(bundle).startswith("model.onnx")


def test_a_graph_that_makes_a_huge_tensor_is_refused_without_the_memory_for_it(bundle):
    def huge(model: onnx.ModelProto) -> None:
        values = {"zero": np.float32(0), "shape": np.array([2**20, 2**14]), "axes": np.array([0, 1])}
        model.graph.initializer.extend(numpy_helper.from_array(np.array(v), name) for name, v in values.items())
        last = model.graph.node[-1]
        last.input[0], logits = "sum", last.input[0]
        for operator, inputs, output in (
            ("Expand", ["zero", "shape"], "large"),
            ("ReduceSum", ["large", "axes"], "total"),
            ("Add", [logits, "total"], "sum"),
        ):
            model.graph.node.insert(len(model.graph.node) - 1, helper.make_node(operator, inputs, [output]))

    change(bundle, huge)
    assert refusal(bundle).startswith("model.onnx does not run")


def test_the_limit_of_memory_is_gone_when_the_bundle_is_open(bundle):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_AS)
    load(bundle)
    assert resource.getrlimit(resource.RLIMIT_AS) == before


def test_a_file_that_is_larger_than_any_bundles_is_not_read(bundle):
    with (bundle / "tokenizer.json").open("ab") as file:
        file.truncate(2**40)
    assert "larger than 52,428,800 bytes" in refusal(bundle)


def test_an_int8_model_is_allowed(bundle):
    from project.export.int8 import quantize

    check_model(quantize(onnx.load(bundle / "model.onnx")).SerializeToString())


def test_a_weight_in_another_file_is_refused(bundle):
    def elsewhere(model: onnx.ModelProto) -> None:
        model.graph.initializer[0].data_location = TensorProto.EXTERNAL

    change(bundle, elsewhere)
    assert "the location 1" in refusal(bundle)


def test_no_model_at_all():
    with pytest.raises(UserError, match=r"model\.onnx is not an ONNX model; export the bundle again"):
        check_model(b"\xff")
