import csv
import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import onnx
import pytest

from project import load
from project.decision import Prediction
from project.export import command as module
from project.export.parity import Parity, compare
from tests.conftest import SMALL, toy_rows, write_csv

TEXTS = [text for text, _ in toy_rows()] + ["!", "unseen words only", "wise " * 400]


@pytest.fixture
def bundle(exported_once, fitted) -> Path:
    """A bundle of the toy model, next to the run that it was made from."""
    return shutil.copytree(exported_once, Path("bundle"))


def test_a_bundle_is_three_plain_files(bundle):
    assert sorted(path.name for path in bundle.iterdir()) == ["bundle.json", "model.onnx", "tokenizer.json"]
    facts = json.loads((bundle / "bundle.json").read_text())
    assert (facts["label_names"], facts["weights"]) == (["negative", "positive"], "float32")
    assert facts["parity"]["texts"] == 10
    assert facts["parity"]["largest_difference"] < 1e-6


def test_bundle_and_checkpoint_agree(bundle, fitted):
    ours, theirs = load(bundle)(TEXTS), load(fitted / "checkpoints" / "best.ckpt")(TEXTS)
    assert compare(theirs, ours).holds


def test_several_threads_can_call_a_bundle_at_once(exported_once):
    classify = load(exported_once)
    texts = [f"{'dull ' * n}film" for n in range(40)]
    alone = [classify(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert all(compare(alone, answers).holds for answers in pool.map(lambda _: classify(texts), range(20)))


def test_batch_size_does_not_change_the_answers(bundle):
    classify = load(bundle)
    alone = [classify(text) for text in TEXTS]
    for batch_size in (1, 3, 64):
        assert compare(alone, classify(TEXTS, batch_size)).holds


def test_a_bundle_needs_neither_torch_nor_the_training_code(bundle):
    heavy = ["torch", "lightning", "torchtext", "wandb", "onnx", "pyarrow", "matplotlib"]
    code = "import sys; from project import load; print(load('bundle')('Warm.').label); "
    code += f"print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_an_int8_bundle_has_8_bit_weights_and_its_cost_is_printed(fitted, toy, sentiment, bundle, capsys):
    words = ("--ckpt_path", fitted / "checkpoints" / "best.ckpt", "--output", "small")
    assert sentiment("export", *words, "--int8") == 0
    out = capsys.readouterr().out
    assert "bundle, float32" in out
    assert "bundle, int8" in out
    assert json.loads(Path("small/bundle.json").read_text())["weights"] == "int8"
    (large, small) = (
        {w.data_type for w in onnx.load(f / "model.onnx").graph.initializer} for f in (bundle, Path("small"))
    )
    assert onnx.TensorProto.INT8 in small - large


def test_a_bundle_that_disagrees_is_rejected(fitted, sentiment, monkeypatch, capsys):
    monkeypatch.setattr(module, "compare", lambda *_: Parity(10, 1, 0.25))
    assert sentiment("export", "--ckpt_path", fitted / "checkpoints" / "best.ckpt", "--output", "bundle") == 2
    assert "1 of 10 labels, probabilities by up to 2.5e-01; nothing was written" in capsys.readouterr().err
    assert [path.name for path in Path().iterdir()] == ["runs"]


def test_a_rejected_bundle_leaves_the_old_one(bundle, fitted, sentiment, monkeypatch):
    before = (bundle / "bundle.json").read_bytes()
    monkeypatch.setattr(module, "compare", lambda *_: Parity(10, 1, 0.25))
    assert sentiment("export", "--ckpt_path", fitted / "checkpoints" / "best.ckpt", "--output", "bundle") == 2
    assert (bundle / "bundle.json").read_bytes() == before


def test_an_old_bundle_is_replaced(bundle, fitted, sentiment):
    (bundle / "model.onnx").write_bytes(b"old")
    assert sentiment("export", "--ckpt_path", fitted / "checkpoints" / "best.ckpt", "--output", "bundle") == 0
    assert load(bundle)("Warm.").probability >= 0.5
    assert sorted(path.name for path in Path().iterdir()) == ["bundle", "runs"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems cannot exchange two folders")
def test_an_old_folder_is_replaced_in_one_step(tmp_path, monkeypatch):
    for name in ("new", "old"):
        (tmp_path / name / name).mkdir(parents=True)
    monkeypatch.setattr(Path, "rename", None)
    module.replace_folder(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old" / "new").is_dir()


def test_an_old_folder_is_replaced_in_two_steps_where_folders_cannot_be_exchanged(tmp_path, monkeypatch):
    for name in ("new", "old"):
        (tmp_path / name / name).mkdir(parents=True)
    monkeypatch.setattr("ctypes.CDLL", lambda _: None)
    module.replace_folder(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old" / "new").is_dir()
    assert (tmp_path / "gone" / "old").is_dir()


def test_a_folder_that_is_not_a_bundle_is_left_alone(fitted, sentiment, capsys):
    Path("papers").mkdir()
    assert sentiment("export", "--ckpt_path", fitted / "checkpoints" / "best.ckpt", "--output", "papers") == 2
    assert "papers exists and is not just a bundle" in capsys.readouterr().err


def test_a_file_is_left_alone(fitted, sentiment, capsys):
    Path("notes").write_text("mine")
    assert sentiment("export", "--ckpt_path", fitted / "checkpoints" / "best.ckpt", "--output", "notes") == 2
    assert "notes exists and is not just a bundle" in capsys.readouterr().err
    assert Path("notes").read_text() == "mine"


def test_a_bundle_beside_another_file_is_left_alone(bundle, fitted, sentiment, capsys):
    (bundle / "notes.txt").write_text("mine")
    (bundle / "model.onnx").write_bytes(b"old")
    assert sentiment("export", "--ckpt_path", fitted / "checkpoints" / "best.ckpt", "--output", "bundle") == 2
    assert capsys.readouterr().err == (
        "error: bundle exists and is not just a bundle: choose another folder with --output\n"
    )
    assert ((bundle / "notes.txt").read_text(), (bundle / "model.onnx").read_bytes()) == ("mine", b"old")


def test_a_file_that_appears_while_export_is_at_work_is_kept(bundle, fitted, sentiment, monkeypatch):
    def compare_slowly(*_: object) -> Parity:
        (bundle / "notes.txt").write_text("mine")
        return Parity(10, 0, 0.0)

    monkeypatch.setattr(module, "compare", compare_slowly)
    assert sentiment("export", "--ckpt_path", fitted / "checkpoints" / "best.ckpt", "--output", "bundle") == 2
    assert (bundle / "notes.txt").read_text() == "mine"


def test_a_symbolic_link_stays_and_what_it_points_to_is_replaced(bundle, fitted, sentiment):
    (bundle / "model.onnx").write_bytes(b"old")
    Path("current").symlink_to("bundle")
    assert sentiment("export", "--ckpt_path", fitted / "checkpoints" / "best.ckpt", "--output", "current") == 0
    assert Path("current").readlink() == Path("bundle")
    assert load("bundle")("Warm.").probability >= 0.5


def test_a_symbolic_link_to_nothing_stays_and_gets_a_bundle(fitted, sentiment):
    Path("current").symlink_to("releases/first")
    assert sentiment("export", "--ckpt_path", fitted / "checkpoints" / "best.ckpt", "--output", "current") == 0
    assert Path("current").readlink() == Path("releases/first")
    assert load("releases/first")("Warm.").probability >= 0.5


@pytest.mark.parametrize("output", ["notes/bundle", "loop"])
def test_a_place_that_cannot_be_written_is_a_one_line_error(fitted, sentiment, capsys, output):
    Path("notes").write_text("mine")
    Path("loop").symlink_to("loop")
    assert sentiment("export", "--ckpt_path", fitted / "checkpoints" / "best.ckpt", "--output", output) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"error: cannot write {output}: ")
    assert err.count("\n") == 1
    assert sorted(path.name for path in Path().iterdir()) == ["loop", "notes", "runs"]


def test_what_a_killed_export_has_left_is_removed(fitted, sentiment):
    Path(".bundle.999999-0.unfinished/float32").mkdir(parents=True)
    assert sentiment("export", "--ckpt_path", fitted / "checkpoints" / "best.ckpt", "--output", "bundle") == 0
    assert sorted(path.name for path in Path().iterdir()) == ["bundle", "runs"]


def test_texts_to_compare_come_from_test_if_train_has_no_labels(toy, sentiment, tmp_path):
    shutil.copytree(toy, tmp_path / "taught")
    rows = [(text, "", *((0.1, 0.9) if label == "positive" else (0.9, 0.1))) for text, label in toy_rows()[:40]]
    with (tmp_path / "taught" / "train.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label", "p_negative", "p_positive"), *rows])
    words = ("--data.corpus=taught", "--data.soft_targets=true", "--trainer.max_epochs=1")
    assert sentiment("fit", *words, *SMALL) == 0
    checkpoint = next(Path("runs").glob("*/checkpoints/best.ckpt"))
    assert sentiment("export", "--ckpt_path", checkpoint, "--output", "bundle") == 0


def test_texts_to_compare_can_come_from_another_corpus(fitted, sentiment, tmp_path):
    write_csv(tmp_path / "other.csv", toy_rows())
    words = ("--corpus", "other.csv", "--texts", "4", "--output", "bundle")
    assert sentiment("export", "--ckpt_path", fitted / "checkpoints" / "best.ckpt", *words) == 0
    assert json.loads(Path("bundle/bundle.json").read_text())["parity"]["texts"] == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--corpus=nowhere.csv"], "texts to compare on: "),
        (["--texts=0"], "at least 1 text"),
        (
            ["--corpus=other.csv", "--text_column=review"],
            "other.csv has no text: other.csv:2: there is no column 'review'",
        ),
    ],
)
def test_unusable_texts_are_one_line_errors(fitted, sentiment, capsys, words, message):
    write_csv(Path("other.csv"), toy_rows())
    assert sentiment("export", "--ckpt_path", fitted / "checkpoints" / "best.ckpt", *words) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.slow
def test_a_bundle_keeps_three_labels(sentiment, tmp_path):
    rows = [(text, label[:3] if n % 3 else "odd") for n, (text, label) in enumerate(toy_rows())]
    write_csv(tmp_path / "three.csv", rows)
    assert sentiment("fit", "--data.corpus=three.csv", "--trainer.max_epochs=1", *SMALL) == 0
    checkpoint = "runs/version_0/checkpoints/best.ckpt"
    assert sentiment("export", "--ckpt_path", checkpoint, "--output", "bundle") == 0
    classify = load("bundle")
    assert classify.decision.label_names == ("neg", "odd", "pos")
    assert compare(load(checkpoint)(TEXTS), classify(TEXTS)).holds


def test_parity_does_not_overlook_nan():
    a = [Prediction("x", 0.75, {"x": 0.75, "y": 0.25})]
    b = [Prediction("x", 0.75, {"x": 0.75, "y": float("nan")})]
    assert not compare(a, b).holds


def test_parity_counts_labels_and_finds_the_largest_difference():
    a = [Prediction("x", 0.75, {"x": 0.75, "y": 0.25}), Prediction("x", 0.9, {"x": 0.9, "y": 0.1})]
    b = [Prediction("y", 0.75, {"x": 0.25, "y": 0.75}), Prediction("x", 0.9, {"x": 0.9, "y": 0.1})]
    assert compare(a, b) == Parity(2, 1, 0.5)
    assert not compare(a, b).holds
    assert compare(a, a).holds
