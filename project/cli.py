"""Configuration -> data module, model and Trainer: fit, validate, test and predict."""

import json
import logging
import signal
import sys
from pathlib import Path
from typing import Any

import lightning as L
import wandb
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import ProgressBar
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI, SaveConfigCallback
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities.exceptions import SIGTERMException

from project.addons.ensemble.members import NOT_TRAINED, is_ensemble
from project.checkpoint import KEY, read_checkpoint
from project.classifier import SentimentClassifier
from project.configuration import DEFAULT_CONFIG, VOCABULARY, OneLineParser, refuse_idle
from project.datamodule import SentimentDataModule
from project.errors import UserError
from project.ingest.output import check_output
from project.loggers import git_commit
from project.predict import load
from project.pretrained import read_pretrained, vocabulary_of
from project.runtime import ignore_idle_warnings, prepare_process
from project.tables import print_predictions
from project.text import Tokenizer

STOPPED = 128 + signal.SIGTERM  # exit code of a process that this signal ended

# options that a pretrained file answers for, and a checkpoint
PRETRAINED_DECIDES = [*VOCABULARY, "--data.unlabelled"]
CHECKPOINT_DECIDES = ["--model.", "--data.max_length", "--data.truncation", *PRETRAINED_DECIDES]


class SaveConfig(SaveConfigCallback):
    """Saves the resolved configuration in the run's folder, and tells every logger what the run is made of."""

    def save_config(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Log configuration, git commit and data fingerprint."""
        data = trainer.datamodule  # type: ignore[attr-defined]
        config = json.loads(self.parser.dump(self.config, skip_none=False, format="json"))
        facts = {"config": config, "git_commit": git_commit(), "data_fingerprint": data.corpus.fingerprint}
        for logger in trainer.loggers:
            logger.log_hyperparams(facts)


class SentimentTrainer(L.Trainer):
    """A Trainer whose `fit` ends with the test of the best checkpoint, and that SIGTERM does not stop in a validation.

    Lightning fails to resume where a validation was under way. Once it has ended the run stops.
    """

    @property
    def received_sigterm(self) -> bool:
        """Whether to stop now."""
        return super().received_sigterm and not (self.validating and self.state.fn == TrainerFn.FITTING)

    def fit(self, *args: Any, test_after_fit: bool = True, **kwargs: Any) -> None:
        """Train the model, then test its best checkpoint.

        Args:
            args: See `lightning.Trainer.fit`.
            test_after_fit: Whether the test follows; a search over settings should never see it.
            kwargs: See `lightning.Trainer.fit`.
        """
        super().fit(*args, **kwargs)
        best = getattr(self.checkpoint_callback, "best_model_path", "")
        if test_after_fit and best and "test" in self.datamodule.corpus.splits:  # type: ignore[attr-defined]
            self.test(ckpt_path=best, datamodule=self.datamodule)  # type: ignore[attr-defined]

    def predict(self, *args: Any, output: str | None = None, **kwargs: Any) -> None:
        """Predict every text of the corpus and write the predictions to a file.

        Args:
            args: See `lightning.Trainer.predict`.
            output: Where to: .csv, .tsv, .jsonl (each also .gz) or .parquet; predictions.csv in the run's folder where
                none is given.
            kwargs: See `lightning.Trainer.predict`; `return_predictions` is always off, which keeps memory flat.

        Raises:
            UserError: The file cannot be written.
        """
        if output is not None:
            check_output(Path(output))
        self.output = output
        super().predict(*args, return_predictions=False, **kwargs)  # type: ignore[misc]


class SentimentCLI(LightningCLI):
    """`LightningCLI` for one model and one data module, never with weights that nothing was trained into."""

    datamodule: SentimentDataModule
    trainer: SentimentTrainer

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Let one seed rule the order of batches too, and word vectors be as wide as the model reads them."""
        parser.link_arguments("seed_everything", "data.seed", compute_fn=int)
        parser.link_arguments("model.embedding_dim", "data.vectors_dim")

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse, and read the checkpoint before anything else is made.

        Raises:
            UserError: There is no checkpoint where one is needed, or it cannot be used.
        """
        super().parse_arguments(parser, args)
        command = self.config["subcommand"]
        path = self.config[command].ckpt_path
        self.checkpoint = read_checkpoint(path) if path is not None else None
        if self.checkpoint is None and command != "fit":
            raise UserError(
                f"{command} needs a trained model: add --ckpt_path=runs/version_0/checkpoints/best.ckpt (or yours)"
            )
        if command == "fit" and self.checkpoint is not None and is_ensemble(self.checkpoint[KEY]["network"]):
            raise UserError(f"{path} is {NOT_TRAINED}")
        if self.checkpoint is not None:
            refuse_idle(CHECKPOINT_DECIDES, "checkpoint")
        elif self.config[command].model.pretrained is not None:
            refuse_idle(PRETRAINED_DECIDES, "pretrained file")

    def instantiate_trainer(self, **kwargs: Any) -> L.Trainer:
        """Make the Trainer.

        Raises:
            UserError: Its settings contradict each other or the machine, such as a GPU that is not there.
        """
        settings = self.config_init[self.subcommand].trainer
        if settings.enable_progress_bar is False:  # the Trainer would refuse the bar that configs/default.yaml names
            settings.callbacks = [c for c in settings.callbacks or [] if not isinstance(c, ProgressBar)]
        try:
            return super().instantiate_trainer(**kwargs)
        except (MisconfigurationException, ValueError) as error:
            raise UserError(f"trainer settings: {' '.join(str(error).split())}") from error

    def after_instantiate_classes(self) -> None:
        """Give the data module the vocabulary of the checkpoint, and its labels, or that of the pretrained file."""
        if self.checkpoint is not None:
            state = self.checkpoint[KEY]
            num_frozen = state["network"].get("num_frozen", 0)  # an ensemble's members know their own
            self.datamodule.adopt(Tokenizer.from_state(state["tokenizer"]), state["label_names"], num_frozen)
        elif self.model.hparams["pretrained"] is not None:
            self.datamodule.start_from(*vocabulary_of(read_pretrained(Path(self.model.hparams["pretrained"]))))

    def after_fit(self) -> None:
        """Say where the model is and how to go on."""
        callback = self.trainer.checkpoint_callback
        best = getattr(callback, "best_model_path", "")
        if not self.trainer.is_global_zero or self.trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        if not best:
            print("no checkpoint was written: no epoch ended with a val metric to choose by")
            return
        best = relative(Path(best))
        print(f"\nbest checkpoint: {best}")
        if self.config.fit.test_after_fit and "test" in self.datamodule.corpus.splits:
            show_predictions(self.datamodule, best)
        sentiment = relative(Path(sys.executable).parent / "sentiment")
        print(
            f"""
go on with
  {sentiment} classify --model {best} "your text"
  {sentiment} export --ckpt_path {best} --output bundle
  {sentiment} predict --ckpt_path {best} --data.corpus FILE --output predictions.csv
  {sentiment} fit --ckpt_path {best.parent / "last.ckpt"} --trainer.max_epochs {2 * (self.trainer.max_epochs or 1)}"""
        )


def relative(path: Path) -> Path:
    """Return `path` as it is shortest to type from the working folder."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def show_predictions(data: SentimentDataModule, checkpoint: Path, count: int = 5) -> None:
    """Print what the checkpoint makes of `count` test texts, evenly spread over the split."""
    examples = data.corpus.split("test")
    chosen = list(examples[:: max(len(examples) // count, 1)][:count])
    predictions = load(checkpoint)([example.text for example in chosen])
    print_predictions(
        [
            (example.text, data.label_names[example.label], p.label, p.probability)
            for example, p in zip(chosen, predictions, strict=True)
        ]
    )


def stop(*_: object) -> None:
    """End at SIGTERM, also as a container's first process, to which the kernel gives no default for signals.

    Where the Trainer is at work its own handler is in place, calls this one, and ends the run after the batch.
    """
    if signal.getsignal(signal.SIGTERM) is stop:
        sys.exit(STOPPED)


def run() -> None:
    """Run the fit, validate, test or predict that `sys.argv` names.

    Raises:
        UserError: An option, a file or the data cannot be used.
    """
    prepare_process()
    signal.signal(signal.SIGTERM, stop)
    ignore_idle_warnings()
    # an advertisement at every start
    logging.getLogger("lightning.pytorch.utilities.rank_zero").addFilter(
        lambda record: "litlogger" not in record.getMessage()
    )
    defaults = {"default_config_files": [str(DEFAULT_CONFIG)]}
    try:
        SentimentCLI(
            SentimentClassifier,
            SentimentDataModule,
            save_config_callback=SaveConfig,
            trainer_class=SentimentTrainer,
            seed_everything_default=42,
            parser_class=OneLineParser,
            parser_kwargs={name: dict(defaults) for name in LightningCLI.subcommands()},
            auto_configure_optimizers=False,
        )
    except SIGTERMException:  # Lightning would end with 0, as if all were done
        wandb.finish(exit_code=STOPPED)
        sys.exit(STOPPED)
    except BaseException:
        wandb.finish(exit_code=1)
        raise
    wandb.finish()
