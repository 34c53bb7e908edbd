import csv
import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import lightning as L
import pyarrow.parquet as pq
import pytest
import torch
import yaml

from project import load
from project.checkpoint import read_checkpoint
from project.classifier import SentimentClassifier
from project.registry import DEFAULT_CONFIG
from tests.conftest import QUIET, SMALL, run_sentiment, test_figures, toy_rows, write_csv

CONFIGS = DEFAULT_CONFIG.parent
ADDONS = CONFIGS.parent / "project" / "addons"


def best(run: Path) -> Path:
    return run / "checkpoints" / "best.ckpt"


def test_fit_leaves_the_whole_run_in_one_folder(fitted):
    names = {str(path.relative_to(fitted)) for path in fitted.rglob("*") if path.is_file()}
    assert names - {"confusion_matrix.png", "report.html", "results.json", "test.csv"} == {  # those of add-ons
        *("checkpoints/best.ckpt", "checkpoints/last.ckpt"),
        *("config.yaml", "hparams.yaml", "metrics.csv"),
    }


def test_fit_prints_the_figures_of_its_test(fitted_once):
    assert "test/accuracy" in (fitted_once / "printed.txt").read_text()


def test_test_gives_the_figures_of_fit(sentiment, fitted, toy):
    assert sentiment("test", f"--ckpt_path={best(fitted)}", f"--data.corpus={toy}", *QUIET) == 0
    assert test_figures("runs/version_1") == pytest.approx(test_figures(fitted), abs=1e-6)


def test_validate_reports_the_val_split(sentiment, fitted, toy, capsys):
    assert sentiment("validate", f"--ckpt_path={best(fitted)}", f"--data.corpus={toy}", *QUIET) == 0
    assert "val/accuracy" in capsys.readouterr().out


def test_predict_writes_a_row_for_every_text_in_order(sentiment, fitted, toy):
    assert sentiment("predict", f"--ckpt_path={best(fitted)}", f"--data.corpus={toy}", *QUIET) == 0
    with Path("runs/version_1/predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["text"], row["label"]) for row in rows] == toy_rows()[50:]
    for row in rows:
        p = {"negative": float(row["p_negative"]), "positive": float(row["p_positive"])}
        assert sum(p.values()) == pytest.approx(1, abs=1e-5)
        assert p[row["predicted"]] >= 0.5


ODD_ROWS = "id,text\n1,A dull film.\n2,\n3,too,many\n4,The music is lovely.\n"


def test_predict_keeps_every_row_and_column_of_a_file(sentiment, fitted, tmp_path):
    (tmp_path / "rows.csv").write_text(ODD_ROWS)
    words = ("--data.corpus=rows.csv", "--data.bad_rows=skip", "--output=out.parquet")
    assert sentiment("predict", f"--ckpt_path={best(fitted)}", *words, *QUIET) == 0
    rows = pq.read_table("out.parquet").to_pylist()
    assert [row["id"] for row in rows] == ["1", "2", None, "4"]
    assert [row["predicted"] is None for row in rows] == [False, True, True, False]


def test_predict_stops_at_bad_rows_and_leaves_no_file(sentiment, fitted, tmp_path, capsys):
    (tmp_path / "rows.csv").write_text(ODD_ROWS)
    words = ("--data.corpus=rows.csv", "--output=out.csv")
    assert sentiment("predict", f"--ckpt_path={best(fitted)}", *words, *QUIET) == 2
    assert "2 bad rows, the first: rows.csv:3: the text is empty" in capsys.readouterr().err
    assert not Path("out.csv").exists()


@pytest.mark.slow
def test_predictions_train_a_student_that_classifies_alone(sentiment, fitted, toy, tmp_path):
    write_csv(tmp_path / "rows.csv", toy_rows())
    output = ("--data.corpus=rows.csv", "--output=taught.csv")
    assert sentiment("predict", f"--ckpt_path={best(fitted)}", *output, *QUIET) == 0
    words = ("--data.corpus=taught.csv", "--data.soft_targets=true", "--trainer.max_epochs=1", "--test_after_fit=false")
    assert sentiment("fit", *words, *SMALL) == 0
    assert load("runs/version_2/checkpoints/best.ckpt")("A dull film.").label in ("negative", "positive")


@pytest.mark.usefixtures("one_callback")
def test_corpus_without_test_is_trained_and_not_tested(sentiment, tmp_path):
    write_csv(tmp_path / "rows.csv", toy_rows())
    words = ("--data.corpus=rows.csv", "--data.test_share=0", "--trainer.max_epochs=1")
    assert sentiment("fit", *words, *SMALL) == 0
    assert test_figures("runs/version_0") == {}


def test_checkpoint_keeps_its_vocabulary_on_another_corpus(sentiment, fitted, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    write_csv(other / "test.csv", [("Words of another corpus altogether.", "positive"), ("A dull film.", "negative")])
    assert sentiment("test", f"--ckpt_path={best(fitted)}", f"--data.corpus={other}", *QUIET) == 0
    assert test_figures("runs/version_1")["test/accuracy"] in (0, 0.5, 1)


@pytest.mark.slow
def test_resumed_fit_goes_on_with_epoch_optimizer_and_schedule(sentiment, fitted, toy):
    before = read_checkpoint(fitted / "checkpoints" / "last.ckpt")
    corpus = f"--data.corpus={toy}"
    path = f"--ckpt_path={fitted / 'checkpoints' / 'last.ckpt'}"
    assert sentiment("fit", path, corpus, "--data.batch_size=8", "--trainer.max_epochs=3", *QUIET) == 0
    after = read_checkpoint("runs/version_1/checkpoints/last.ckpt")
    assert (before["epoch"], after["epoch"]) == (1, 2)
    assert (before["global_step"], after["global_step"]) == (10, 15)
    assert after["lr_schedulers"][0]["last_epoch"] == 15
    assert after["optimizer_states"][0]["state"][0]["step"] == 15


class StopAfterTwoEpochs(L.Callback):
    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        trainer.should_stop = trainer.current_epoch == 1


THREE = ("--data.batch_size=8", "--trainer.max_epochs=3", "--test_after_fit=false", *QUIET)
NEW = ("--model.dropout=0", "--model.embedding_dropout=0", "--data.vectors=null", "--model.encoder.hidden_size=8")


@pytest.fixture(scope="module")
def uninterrupted(toy, tmp_path_factory) -> Path:
    """The run folder of three epochs at once, not tested; to be read only."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert run_sentiment("fit", f"--data.corpus={toy}", *THREE, *NEW) == 0
    return folder / "runs" / "version_0"


def test_search_can_leave_the_test_out(uninterrupted):
    assert best(uninterrupted).exists()
    assert test_figures(uninterrupted) == {}


def test_resumed_fit_equals_one_that_was_never_interrupted(sentiment, uninterrupted, toy):
    common = (f"--data.corpus={toy}", *THREE)
    assert sentiment("fit", *common, *NEW, "--trainer.callbacks+=tests.test_cli.StopAfterTwoEpochs") == 0
    assert sentiment("fit", "--ckpt_path=runs/version_0/checkpoints/last.ckpt", *common) == 0
    whole, resumed = (
        read_checkpoint(run / "checkpoints" / "last.ckpt")["state_dict"]
        for run in (uninterrupted, Path("runs/version_1"))
    )
    for name, weight in whole.items():
        torch.testing.assert_close(resumed[name], weight, rtol=0, atol=1e-6)


@pytest.mark.slow
def test_resumed_fit_keeps_the_best_score(sentiment, fitted, toy):
    def score(run: Path | str) -> float:
        callbacks = read_checkpoint(Path(run) / "checkpoints" / "last.ckpt")["callbacks"]
        (state,) = [state for state in callbacks.values() if state.get("best_model_score") is not None]
        return float(state["best_model_score"])

    path = f"--ckpt_path={fitted / 'checkpoints' / 'last.ckpt'}"
    words = ("--trainer.max_epochs=3", "--test_after_fit=false")
    assert sentiment("fit", path, f"--data.corpus={toy}", *words, *QUIET) == 0
    assert score("runs/version_1") >= score(fitted)


@pytest.mark.slow
def test_saved_configuration_repeats_the_run(sentiment, fitted):
    assert sentiment("fit", "--config", fitted / "config.yaml", *QUIET) == 0
    assert test_figures("runs/version_1") == pytest.approx(test_figures(fitted), abs=1e-6)


def first_rows(sentiment, toy, seed: int) -> list[int]:
    """The texts of the first batch of a run."""
    seen: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            SentimentClassifier, "on_train_batch_start", lambda _, batch, __: seen.extend(batch.rows.tolist())
        )
        words = ("--trainer.max_steps=1", "--trainer.limit_val_batches=0", "--trainer.callbacks=[]", *SMALL)
        sentiment("fit", f"--data.corpus={toy}", f"--seed_everything={seed}", "--test_after_fit=false", *words)
    return seen


@pytest.mark.filterwarnings("ignore:No (nega|posi)tive samples")  # one batch
@pytest.mark.slow
def test_seed_rules_the_order_of_batches(sentiment, toy):
    first, again, other = (first_rows(sentiment, toy, seed) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_seed_of_the_data_is_that_of_the_run(sentiment, toy):
    assert sentiment("fit", f"--data.corpus={toy}", "--data.seed=7", *SMALL) == 2


def resolved(*words: str | Path) -> dict[str, Any]:
    """The configuration that a fit with `words` would use."""
    with redirect_stdout(StringIO()) as printed, pytest.raises(SystemExit):
        run_sentiment("fit", *words, "--print_config")
    return yaml.safe_load(printed.getvalue())


@pytest.fixture(scope="module")
def base() -> dict[str, Any]:
    return resolved()


def test_the_best_checkpoint_is_that_of_val_accuracy(base):
    callbacks = base["trainer"]["callbacks"]
    watched = [c["init_args"].get("monitor") for c in callbacks if c["class_path"].endswith(("Checkpoint", "Stopping"))]
    assert watched == ["val/accuracy", None, "val/accuracy"]  # best, last, early stopping


OVERLAYS = [path for path in [*CONFIGS.rglob("*.yaml"), *ADDONS.rglob("*.yaml")] if path.name != "default.yaml"]


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.stem)
def test_every_configuration_is_read_and_keeps_callbacks_and_loggers(base, overlay):
    config = resolved("--config", overlay)
    assert config != base
    assert [config["trainer"][key] for key in ("callbacks", "logger")] == [
        base["trainer"][key] for key in ("callbacks", "logger")
    ]


def test_without_a_logger_the_default_callbacks_that_need_one_are_left_out(sentiment, toy):
    words = ("--trainer.logger=false", "--trainer.enable_checkpointing=false", "--trainer.max_epochs=1")
    assert sentiment("fit", f"--data.corpus={toy}", *words, *SMALL) == 0
    assert list(Path().iterdir()) == []


@pytest.mark.usefixtures("one_callback")
@pytest.mark.parametrize("words", [["--trainer.devices=x"], ["--trainer.accelerator=tpu"]])
def test_a_device_that_is_not_there_is_one_line(sentiment, toy, capsys, words):
    assert sentiment("fit", f"--data.corpus={toy}", *SMALL, *words) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: trainer settings: ")


# at least one mistake for each stage of a command; what else can be wrong is in the tests of the part that notices it
TOY = ("--data.corpus=toy", "--data.vectors=null")
BAD_INPUTS = {
    "unknown command": (["fitt"], r"no command 'fitt': choose one of fit, validate"),
    "seed": (["fit", *TOY, "--seed_everything=-1"], r"--seed_everything should be from 0 to 4294967295"),
    "a number of 30 digits": (
        ["fit", *TOY, f"--trainer.max_steps={'9' * 30}"],
        r"--trainer.max_steps should be from -4",
    ),
    "sizes for no memory": (["fit", *TOY, "--model.embedding_dim=4000000000"], r"SentimentNetwork: .*memory"),
    "a million layers": (["fit", "--model.encoder.num_layers=1000000"], r"num_layers is 1000000: choose 100 or fewer"),
    "an alias of itself": (["fit", "--config", "itself.yaml"], r"parsing config: Circular reference"),
    "aliases that multiply": (["fit", "--config", "aliases.yaml"], r"more than 16 aliases"),
    "precision": (
        ["fit", *TOY, "--trainer.precision=16-true"],
        r"precision 16-true does not work here",
    ),
    "unknown option": (["fit", "--data.corpsu=movies"], r"unrecognized arguments: --data.corpsu=movies"),
    "not a number": (["fit", "--model.encoder.hidden_size=wide"], r"hidden_size.*Got value: wide"),
    "class weights": (["fit", "--model.class_weights=equal"], r"model.class_weights"),
    "unknown choice": (["fit", "--data.truncation=middle"], r"data.truncation.*'head', 'tail', 'head\+tail'"),
    "missing configuration": (["fit", "--config", "nope.yaml"], r"File does not exist: .*nope.yaml"),
    "broken configuration": (["fit", "--config", "broken.yaml"], r"config"),
    "callback of no add-on": (["fit", "--without=nothing"], r"argument --without: invalid choice: 'nothing'"),
    "unknown accelerator": (["fit", "--trainer.accelerator=abacus"], r"trainer settings: .*abacus"),
    "model": (["fit", "--model.encoder.hidden_size=0"], r"BiLSTMEncoder: hidden_size must be greater than zero"),
    "data module": (["fit", "--data.batch_size=0"], r"batch_size is 0: set --data.batch_size=1 or more"),
    "bad row": (
        ["fit", "--data.corpus=bad.csv", "--data.vectors=null"],
        r"1 bad row: bad.csv:3: 3 columns, but the header has 2; fix",
    ),
    "no checkpoint": (["test", "--data.corpus=toy"], r"test needs a model, as in --ckpt_path"),
    "unknown encoder": (["fit", "--model.encoder=Forest"], r"--model.encoder=Forest: there is no such class"),
    "unknown optimizer": (["fit", "--optimizer=Sgd"], r"--optimizer=Sgd: there is no such class"),
    "option of an optimizer": (["fit", "--optimizer=SGD", "--optimizer.rate=1"], r"--optimizer.rate is not an option"),
    "optimizer that refuses": (["fit", *TOY, "--optimizer=SGD", "--optimizer.lr=-1"], r"Invalid learning rate: -1"),
    "option of a network": (["fit", "--model.network_options.depth=1"], r"SentimentNetwork: .*'depth'"),
    "option of an encoder": (["fit", "--model.encoder=CNNEncoder", "--model.encoder.channels=-1"], r"CNNEncoder: "),
    "no checkpoint but text": (["test", "--ckpt_path=broken.yaml"], r"broken.yaml is not a checkpoint that"),
    "schedule alone": (["fit", "--lr_scheduler=StepLR", "--lr_scheduler.step_size=1"], r"needs --optimizer"),
    "missing checkpoint": (["test", "--ckpt_path=no.ckpt"], r"checkpoint no.ckpt does not exist"),
    "best of no run": (["test", "--ckpt_path=best"], r"checkpoint best does not exist"),
}


@pytest.mark.usefixtures("one_callback")
@pytest.mark.parametrize(("words", "message"), BAD_INPUTS.values(), ids=BAD_INPUTS.keys())
def test_bad_input_is_one_line_and_exit_code_2(sentiment, toy, capsys, words, message):
    Path("toy").symlink_to(toy)
    Path("bad.csv").write_text("text,label\nWarm.,good\nWarm, wise.,good\n")
    Path("broken.yaml").write_text("data: [corpus\n")
    Path("itself.yaml").write_text("data: &a [*a]\n")
    Path("aliases.yaml").write_text(f"data: {{corpus: [&a [x], {', '.join(['*a'] * 17)}]}}")
    assert sentiment(*words) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert re.search(message, line)


@pytest.mark.usefixtures("one_callback")
def test_output_that_cannot_be_written_stops_before_the_work(sentiment, fitted, toy, capsys):
    words = (f"--data.corpus={toy}", "--output=no/out.csv")
    assert sentiment("predict", f"--ckpt_path={best(fitted)}", *words, *QUIET) == 2
    assert "does not exist" in capsys.readouterr().err


CONTRADICTIONS = {
    "--model.encoder.hidden_size=16": "--model.encoder.hidden_size is 16, but the checkpoint has 8",
    "--model.encoder=CNNEncoder": "--model.encoder is project.encoder.CNNEncoder, the checkpoint's project.",
    "--model.dropout=0.1": "--model.dropout is 0.1, but the checkpoint has 0.5",
    "--data.max_length=9": "--data.max_length is 9, but the checkpoint has 256",
    "--data.vectors=glove-6b-50d": "--data.vectors is glove-6b-50d, but the checkpoint has None",
}


@pytest.mark.usefixtures("one_callback")
@pytest.mark.parametrize(("option", "message"), CONTRADICTIONS.items())
def test_what_contradicts_the_checkpoint_is_refused(sentiment, fitted, capsys, option, message):
    assert sentiment("fit", f"--ckpt_path={best(fitted)}", option) == 2
    assert message in capsys.readouterr().err


@pytest.mark.usefixtures("one_callback")
@pytest.mark.parametrize("command", ["fit", "test", "predict"])
def test_a_configuration_that_contradicts_the_checkpoint_is_refused(sentiment, fitted, capsys, command):
    Path("wider.yaml").write_text("model:\n  encoder.hidden_size: 32\n")
    assert sentiment(command, f"--ckpt_path={best(fitted)}", "--config=wider.yaml") == 2
    assert "--model.encoder.hidden_size is 32, but the checkpoint has 8" in capsys.readouterr().err


@pytest.mark.usefixtures("one_callback")
def test_another_optimizer_than_the_checkpoints_is_refused(sentiment, fitted, capsys):
    assert sentiment("fit", f"--ckpt_path={best(fitted)}", "--optimizer=SGD", *QUIET) == 2
    assert "--optimizer is torch.optim.SGD, but the checkpoint has None" in capsys.readouterr().err


def test_a_resumed_run_uses_and_saves_another_learning_rate(sentiment, fitted):
    Path("slower.yaml").write_text("model:\n  learning_rate: 0.0001\n")
    path, more = fitted / "checkpoints" / "last.ckpt", ["--trainer.max_epochs=3", "--trainer.log_every_n_steps=1"]
    assert sentiment("fit", f"--ckpt_path={path}", "--config=slower.yaml", *more, *QUIET) == 0
    with (fitted.parent / "version_1" / "metrics.csv").open(newline="") as file:
        rates = [float(row["lr-AdamW/pg1"]) for row in csv.DictReader(file) if row.get("lr-AdamW/pg1")]
    assert 0 < max(rates) < 0.0001
    config = yaml.safe_load((fitted.parent / "version_1" / "config.yaml").read_text())
    assert (config["model"]["learning_rate"], config["model"]["encoder"]["init_args"]["hidden_size"]) == (0.0001, 8)


def test_the_checkpoints_own_settings_hold_unless_others_are_given(sentiment, fitted, toy):
    assert sentiment("test", f"--ckpt_path={best(fitted)}", "--data.batch_size=4", *QUIET) == 0
    data = yaml.safe_load((fitted.parent / "version_1" / "config.yaml").read_text())["data"]
    assert (data["corpus"], data["batch_size"], data["vectors"]) == (str(toy), 4, None)


@pytest.mark.slow
def test_a_saved_configuration_fits_other_commands(sentiment, fitted, capsys):
    path = f"--ckpt_path={best(fitted)}"
    assert sentiment("test", path, f"--config={fitted / 'config.yaml'}", *QUIET) == 0
    assert "test/accuracy" in capsys.readouterr().out
    own = fitted.parent / "version_1" / "config.yaml"
    assert sentiment("fit", "--trainer.max_epochs=3", f"--config={own}", path, *QUIET) == 0
    assert "test/accuracy" in capsys.readouterr().out


@pytest.mark.usefixtures("one_callback")
@pytest.mark.parametrize(("where", "name"), [("hyper_parameters", "encoder"), ("optimizer", "optimizer")])
def test_a_checkpoints_class_names_import_nothing(sentiment, fitted, capsys, monkeypatch, where, name):
    path = Path(best(fitted))
    Path("evil.py").write_text("raise SystemExit('code of a checkpoint ran')\n")
    monkeypatch.syspath_prepend(Path.cwd())
    checkpoint = torch.load(path, weights_only=True)
    checkpoint[where][name] = {"class_path": "evil.Evil", "init_args": {}}
    torch.save(checkpoint, path)
    assert sentiment("fit", f"--ckpt_path={path}", *QUIET) == 2
    assert re.search("'Evil' needs evil|trained with evil.Evil", capsys.readouterr().err)


@pytest.mark.slow
def test_optimizer_and_schedule_of_ones_own(sentiment, toy, capsys):
    own = ("--optimizer=SGD", "--optimizer.lr=0.5", "--lr_scheduler=StepLR", "--lr_scheduler.step_size=1")
    epochs = "--trainer.max_epochs"
    assert sentiment("fit", f"--data.corpus={toy}", *own, f"{epochs}=2", "--test_after_fit=false", *SMALL) == 0
    last = torch.load("runs/version_0/checkpoints/last.ckpt", weights_only=True)
    (group,) = last["optimizer_states"][0]["param_groups"]
    assert (group["initial_lr"], group["lr"]) == pytest.approx((0.5, 0.5 * 0.1**2))
    path = "--ckpt_path=runs/version_0/checkpoints/last.ckpt"
    assert sentiment("fit", path, f"{epochs}=3", "--test_after_fit=false", *QUIET) == 0
    capsys.readouterr()
    for other in (["--optimizer=SGD", "--optimizer.lr=0.1"], ["--optimizer.lr=0.1"]):
        assert sentiment("fit", path, *other, *QUIET) == 2
        assert "--optimizer.lr is 0.1, but the checkpoint has 0.5" in capsys.readouterr().err


@pytest.mark.usefixtures("one_callback")
def test_labels_that_the_checkpoint_lacks_are_refused(sentiment, fitted, tmp_path, capsys):
    other = tmp_path / "stars"
    other.mkdir()
    write_csv(other / "test.csv", [("Warm.", "five stars")])
    assert sentiment("test", f"--ckpt_path={best(fitted)}", f"--data.corpus={other}", *QUIET) == 2
    assert "stars/test.csv:2: the label 'five stars' is not one of negative, positive" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["--help"], *([command, "--help"] for command in ("fit", "predict"))])
def test_help(sentiment, capsys, words):
    try:
        code = sentiment(*words)
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0
    assert code == 0
    assert "usage: " in capsys.readouterr().out


@pytest.mark.slow
def test_another_encoder_is_trained_tested_and_classifies(sentiment, toy, capsys):
    words = ("--model.encoder=CNNEncoder", "--model.encoder.width=5", "--model.encoder.channels=6")
    small = [word for word in SMALL if "encoder" not in word]
    assert sentiment("fit", f"--data.corpus={toy}", "--trainer.max_epochs=1", *words, *small) == 0
    path = "runs/version_0/checkpoints/best.ckpt"
    assert sentiment("test", f"--ckpt_path={path}", f"--data.corpus={toy}", *QUIET) == 0
    assert test_figures("runs/version_1") == pytest.approx(test_figures("runs/version_0"), abs=1e-6)
    assert sentiment("predict", f"--ckpt_path={path}", f"--data.corpus={toy}", *QUIET) == 0
    assert load(path)("A dull film.").label in ("negative", "positive")
    assert sentiment("fit", f"--ckpt_path={path}", "--model.encoder.width=3", *QUIET) == 2
    assert "--model.encoder.width is 3, but the checkpoint has 5" in capsys.readouterr().err


def test_options_of_an_encoder_are_explained(sentiment, capsys):
    with pytest.raises(SystemExit):
        sentiment("fit", "--model.encoder.help", "CNNEncoder")
    assert "Number of filters (F)" in capsys.readouterr().out


def test_unknown_encoder_is_one_line(sentiment, capsys):
    assert sentiment("fit", "--model.encoder=Forest") == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert "model.encoder" in line
    assert "Forest" in line


def test_every_option_of_model_and_data_is_explained_and_they_are_few(capsys):
    with pytest.raises(SystemExit):
        run_sentiment("fit", "--help")
    with pytest.raises(SystemExit):
        run_sentiment("fit", "--model.encoder.help=BiLSTMEncoder")
    found = re.findall(
        r"^  --((?:model|data)\.[\w.]+) (?:\S+\n +|\S+  )(.*?)\(type", capsys.readouterr().out, re.M | re.S
    )
    explained = {name: " ".join(text.split()) for name, text in found}
    assert 35 < len(explained) <= 45
    assert [name for name, text in explained.items() if len(text.split()) < 4] == []
