"""Bytes of model.onnx -> refused, unless they hold only what export writes: bundles come from other people too.

They are read as protobuf of an unknown kind, since the onnx package is there for export alone. The numbers of fields
are those of onnx.proto. Fields that could hold a graph within a node (control flow), a function, or the name of another
file with weights are not among these, so that a model without them is plain arithmetic.
"""

from collections.abc import Iterator
from typing import Any

from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped] # all fields are unknown to it
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from google.protobuf.unknown_fields import UnknownFieldSet  # type: ignore[import-untyped]

from project.errors import UserError

MOST_PARTS = 100_000  # an ensemble of ten has a tenth of them
# the fields of each message that export writes: another message, a name that `NAMES` limits, or anything
FIELDS = {
    "model": {1: "", 2: "", 3: "", 7: "graph", 8: "opset", 14: ""},
    "opset": {1: "domain", 2: ""},
    "graph": {1: "node", 2: "", 5: "weight", 11: "value", 12: "result", 13: ""},
    "node": {1: "", 2: "", 3: "", 4: "", 5: "attribute", 7: "domain"},
    "attribute": dict.fromkeys((1, 2, 3, 4, 7, 8, 9, 20), ""),
    "weight": {**dict.fromkeys((1, 2, 4, 5, 7, 8, 9), ""), 14: "location"},
    "value": {1: "input", 2: ""},
    "result": {1: "output", 2: ""},
}
NAMES: dict[str, tuple[object, ...]] = {"domain": (b"", b"com.microsoft"), "location": (0,), "output": (b"logits",)}
NAMES["input"] = (b"token_ids", b"lengths")


def check_model(content: bytes) -> None:
    """Check that an ONNX model holds nothing but what export writes.

    Raises:
        UserError: It holds something else, or is no ONNX model.
    """
    try:
        for count, (name, value) in enumerate(parts_of("model", content)):
            if count > MOST_PARTS or value not in NAMES.get(name, (value,)):
                what = f"the {name or 'part'} {value!r:.40}, or too many parts"
                raise UserError(f"model.onnx has {what}, which export never writes")
    except (DecodeError, TypeError) as error:
        raise UserError("model.onnx is not an ONNX model; export the bundle again") from error


def parts_of(kind: str, content: bytes) -> Iterator[tuple[str, Any]]:
    """Yield what each field of a message is, and its value; the same of messages within it.

    Raises:
        UserError: Export writes no such field.
        DecodeError, TypeError: The content is no such message.
    """
    for field in UnknownFieldSet(Empty.FromString(content)):
        name = FIELDS[kind].get(field.field_number)
        if name is None:
            what = "control flow, a function or weights elsewhere, which export never writes"
            raise UserError(f"model.onnx has field {field.field_number} of onnx.proto's {kind}: {what}")
        yield name, field.data
        if name in FIELDS:
            yield from parts_of(name, field.data)
