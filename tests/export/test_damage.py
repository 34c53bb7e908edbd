"""Bundles that were flipped, edited or linked: refused in one line, whatever their digests say."""

import hashlib
import json
import math
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto

from project import load
from project.decision import Prediction
from project.errors import UserError
from project.export.bundle import facts_digest
from project.text import Tokenizer
from tests.conftest import toy_rows

NAMES = ["bundle.json", "model.onnx", "tokenizer.json"]
TEXTS = [text for text, _ in toy_rows()[::6]]


@pytest.fixture
def bundle(exported_once: Path, tmp_path: Path) -> Path:
    return shutil.copytree(exported_once, tmp_path / "bundle")


@pytest.fixture(scope="module")
def answers(exported_once: Path) -> list[Prediction]:
    return load(exported_once)(TEXTS)


def refusal(bundle: Path) -> str:
    """The message of the error with which a bundle is refused, after a check that it is one line."""
    with pytest.raises(UserError) as caught:
        load(bundle)
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 600
    return str(caught.value)


def outcome(bundle: Path) -> list[Prediction] | str:
    """The answers of a bundle, or the message with which it is refused."""
    try:
        return load(bundle)(TEXTS)
    except UserError as error:
        return str(error)


def edit(bundle: Path, change: Callable[[dict[str, Any]], Any], name: str = "bundle.json") -> None:
    """Change the JSON of a file, and make all digests fit."""
    content = json.loads((bundle / name).read_text())
    (bundle / name).write_text(json.dumps(content if (changed := change(content)) is None else changed))
    seal(bundle)


def seal(bundle: Path) -> None:
    """Make all digests fit, where bundle.json still has a place for them."""
    facts = json.loads((bundle / "bundle.json").read_text())
    try:
        for name in ("model.onnx", "tokenizer.json"):
            facts["sha256"][name] = hashlib.sha256((bundle / name).read_bytes()).hexdigest()
        facts["sha256"]["bundle.json"] = facts_digest(facts)
    except (TypeError, KeyError, ValueError):
        return
    (bundle / "bundle.json").write_text(json.dumps(facts))


def test_an_edit_that_makes_sense_is_taken_if_the_digests_fit(bundle):
    edit(bundle, lambda facts: facts["decision"].update(abstain_below=0.1))
    assert load(bundle)("Anything.").label == "positive"


def test_an_edit_without_its_digest_is_refused(bundle):
    facts = json.loads((bundle / "bundle.json").read_text())
    facts["label_names"].reverse()
    (bundle / "bundle.json").write_text(json.dumps(facts))
    assert refusal(bundle) == f"{bundle}/bundle.json is missing or damaged; export the bundle again"


def test_another_layout_of_bundle_json_changes_nothing(bundle, answers):
    facts = json.loads((bundle / "bundle.json").read_text())
    (bundle / "bundle.json").write_text(json.dumps(dict(reversed(facts.items()))))
    assert load(bundle)(TEXTS) == answers


@pytest.mark.parametrize("name", NAMES)
def test_flipped_bits_never_change_an_answer(bundle, answers, name):
    whole, rng = (bundle / name).read_bytes(), random.Random(0)
    refused = set()
    for _ in range(100):
        flipped = bytearray(whole)
        flipped[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        (bundle / name).write_bytes(flipped)
        found = outcome(bundle)
        if isinstance(found, str):
            refused.add(found)
        else:  # the same JSON: E for e in a number
            assert found == answers
    assert f"{bundle}/{name} is missing or damaged; export the bundle again" in refused
    assert {len(message.splitlines()) for message in refused} == {1}


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_every_flipped_bit_of_model_and_tokenizer_is_refused(bundle, name):
    whole, rng = (bundle / name).read_bytes(), random.Random(1)
    for _ in range(100):
        flipped = bytearray(whole)
        flipped[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        (bundle / name).write_bytes(flipped)
        assert outcome(bundle) == f"{bundle}/{name} is missing or damaged; export the bundle again"


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
@pytest.mark.parametrize("damage", [lambda p: p.unlink(), lambda p: p.write_bytes(p.read_bytes()[:-9])])
def test_a_missing_or_truncated_file_is_named(bundle, name, damage):
    damage(bundle / name)
    assert refusal(bundle) == f"{bundle}/{name} is missing or damaged; export the bundle again"


@pytest.mark.parametrize("name", NAMES)
def test_a_symbolic_link_in_a_bundle_is_not_followed(bundle, name):
    (bundle / name).rename(bundle.parent / name)
    (bundle / name).symlink_to(bundle.parent / name)
    assert refusal(bundle).startswith(f"{bundle}/{name} is a symbolic link")


def test_a_file_that_sha256_names_is_not_read(bundle):
    def name_another(facts: dict[str, Any]) -> None:
        facts["sha256"]["/etc/hostname"] = facts["sha256"].pop("tokenizer.json")

    edit(bundle, name_another)
    facts = json.loads((bundle / "bundle.json").read_text())
    assert set(facts["sha256"]) == {*NAMES, "/etc/hostname"}
    assert load(bundle)("Warm.").probability >= 0.5


@pytest.mark.parametrize("place", ["weights.bin", "../weights.bin", "/etc/hostname"])
def test_a_file_that_the_graph_names_for_its_weights_is_not_read(bundle, monkeypatch, place):
    model = onnx.load(bundle / "model.onnx")
    weight = next(each for each in model.graph.initializer if each.name == "embedding")
    for folder in (bundle, bundle.parent):
        (folder / "weights.bin").write_bytes(weight.raw_data)
    weight.data_location = TensorProto.EXTERNAL
    for key, value in (("location", place), ("length", str(len(weight.raw_data)))):
        entry = weight.external_data.add()
        entry.key, entry.value = key, value
    weight.ClearField("raw_data")
    (bundle / "model.onnx").write_bytes(model.SerializeToString())
    seal(bundle)
    monkeypatch.chdir(bundle)
    assert refusal(bundle).startswith(
        "model.onnx has field 13 of onnx.proto's weight: control flow, a function or weights elsewhere"
    )


def test_a_bundle_of_the_old_format_has_to_be_exported_again(bundle):
    edit(bundle, lambda facts: facts.update(format=3, sha256={}))
    assert refusal(bundle) == f"{bundle} has bundle format 3, this version reads format 4: export it again"


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "3", "null", "{}", "[" * 100_000, '{"format": NaN, "sha256": {}}', "\xff"]
)
@pytest.mark.parametrize("name", ["bundle.json", "tokenizer.json"])
def test_what_is_no_such_json_is_refused(bundle, name, content):
    (bundle / name).write_bytes(content.encode("latin-1"))
    if name == "tokenizer.json":
        seal(bundle)
    assert "again" in refusal(bundle)


def test_a_folder_without_bundle_json_is_no_bundle(bundle):
    (bundle / "bundle.json").unlink()
    assert refusal(bundle) == f"{bundle} is not a bundle: it has no bundle.json; `sentiment export` writes one"


FINE = {"temperature": 1.0, "thresholds": [], "abstain_below": 0.0, "labels": "one", "least": 0}
SENSELESS = [
    *(("decision", FINE | {"temperature": value}) for value in (0.0, -1.0, math.nan, math.inf, 10**400, "1", True)),
    *(("decision", FINE | {"thresholds": value}) for value in ([1.5, 0.5], [0.0, 1.0], [math.nan, 0.5], [0.5], 0.5)),
    *(("decision", FINE | {"abstain_below": value}) for value in (1.5, -0.5, math.nan, None)),
    ("decision", {"temperature": 1.0}),
    ("decision", FINE | {"bias": 1}),
    ("decision", [1.0, 0.5]),
    ("label_names", ["negative", "negative"]),
    ("label_names", ["negative", ""]),
    ("label_names", ["negative", "\ud800"]),
    ("label_names", ["negative", 1]),
    ("label_names", ["negative"]),
    ("label_names", ["negative", "neutral", "positive"]),
    ("label_names", "ab"),
    ("label_names", None),
    ("weights", 32),
    ("network", []),
    ("network", {"arguments": float("inf")}),
    ("corpus", None),
    ("versions", {"torch": 2.13}),
    ("parity", {"texts": "ten"}),
    ("parity", {"texts": -1}),
    ("sha256", ["model.onnx"]),
    ("format", "3"),
]


@pytest.mark.parametrize(("key", "value"), SENSELESS)
def test_a_senseless_value_in_bundle_json_is_refused_whatever_the_digest_says(bundle, key, value):
    edit(bundle, lambda facts: facts.update({key: value}))
    assert "again" in refusal(bundle)


SENSELESS_TOKENIZER = [
    ("tokens", []),
    ("tokens", ["<pad>", "<unk>", "film", "film"]),
    ("tokens", ["<unk>", "<pad>"]),
    ("tokens", ["<pad>", "<unk>", 3]),
    ("tokens", ["<pad>", "<unk>", *map(str, range(1000))]),
    ("tokens", {"<pad>": 0}),
    ("tokens", "<pad>"),
    ("max_length", 0),
    ("max_length", -5),
    ("max_length", 10**400),
    ("max_length", 2.5),
    ("max_length", True),
    ("max_length", "256"),
    ("truncation", "middle"),
    ("truncation", ["head"]),
    ("scheme", "../words"),
    ("scheme", None),
    ("json", "{}"),
    ("json", 1),
    ("code", 1),
    ("sample", ["it"]),
    ("sample", None),
]


@pytest.mark.parametrize(("key", "value"), SENSELESS_TOKENIZER)
def test_a_senseless_value_in_tokenizer_json_is_refused_whatever_the_digest_says(bundle, key, value):
    edit(bundle, lambda state: state.update({key: value}), "tokenizer.json")
    assert refusal(bundle)


def test_a_senseless_value_is_named(bundle):
    edit(bundle, lambda facts: facts["decision"].update(abstain_below=2))
    assert refusal(bundle) == (
        f"{bundle}/bundle.json: abstain_below is 2, which makes no sense; export the bundle again"
    )


def test_a_key_that_is_missing_is_named(bundle):
    edit(bundle, lambda facts: facts.pop("corpus") and facts)
    assert refusal(bundle) == f"{bundle}/bundle.json: the key 'corpus' is missing; export it again"


def test_a_missing_package_is_not_taken_for_damage(bundle, monkeypatch):
    def needs_a_package(_: object) -> None:
        raise ModuleNotFoundError(name="tokenizers")

    monkeypatch.setattr(Tokenizer, "from_state", needs_a_package)
    assert refusal(bundle).endswith("and tokenizers is missing")


def test_a_graph_with_nan_is_refused(bundle):
    model = onnx.load(bundle / "model.onnx")
    weight = next(each for each in model.graph.initializer if each.name == "classifier.bias")
    weight.raw_data = b"\xff" * len(weight.raw_data)
    (bundle / "model.onnx").write_bytes(model.SerializeToString())
    seal(bundle)
    assert refusal(bundle).startswith("model.onnx does not run with this tokenizer.json and bundle.json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_subnormal=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(data=st.data())
@settings(max_examples=20)
def test_any_edit_is_refused_in_one_line_or_gives_answers(exported_once, tmp_path_factory, data):
    bundle = shutil.copytree(exported_once, tmp_path_factory.mktemp("edited") / "bundle")
    name = data.draw(st.sampled_from(["bundle.json", "tokenizer.json"]))

    def change(content: dict[str, Any]) -> None:
        place = content["decision"] if name == "bundle.json" and data.draw(st.booleans()) else content
        key = data.draw(st.sampled_from(sorted(place)))
        if data.draw(st.booleans()):
            place[key] = data.draw(JSON)
        else:
            del place[key]

    edit(bundle, change, name)
    found = outcome(bundle)
    if isinstance(found, str):
        assert len(found.splitlines()) == 1
    else:
        assert all(0 <= answer.probability <= 1 for answer in found)
