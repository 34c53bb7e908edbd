"""Options -> data module, model and Trainer: fit, validate, test, predict, and commands with a configuration."""

import inspect
import json
import logging
import re
import shlex
import signal
import sys
import warnings
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NoReturn, get_args, get_origin

import lightning as L
from jsonargparse import dict_to_namespace, get_loader, set_loader
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint, ProgressBar
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI, SaveConfigCallback, instantiate_class
from lightning.pytorch.utilities import rank_zero_only
from lightning.pytorch.utilities.exceptions import SIGTERMException
from yaml import YAMLError

from project.checkpoint import KEY, read_checkpoint, restore
from project.classifier import SentimentClassifier
from project.datamodule import SentimentDataModule
from project.encoder import encoder_class, encoder_state
from project.errors import UserError
from project.options import explain
from project.registry import default_config, load, registered
from project.trainer import CheckpointFile, SentimentTrainer, Stop

# prefixes of the options that a checkpoint decides
WORDS = ("data.tokenizer", "data.bpe_size", "data.min_freq", "data.max_vocab_size", "data.vectors", "data.pretrained")
CHECKPOINT_DECIDES = ("model.", "optimizer", "lr_scheduler", "data.max_length", "data.truncation", *WORDS)
FREE = ("model.learning_rate", "model.warmup", "model.label_smoothing")  # but a resumed run may change these
FIT = dict.fromkeys(("optimizer", "lr_scheduler", "test_after_fit"), ("fit",))
# callbacks of configs/default.yaml that the Trainer refuses if their feature is switched off
REFUSED = {"enable_progress_bar": ProgressBar, "logger": LearningRateMonitor, "enable_checkpointing": ModelCheckpoint}
OF_COMMANDS = FIT | {"verbose": ("test", "validate"), "output": ("predict",), "overwrite": ("predict",)}


def fit(words: list[str]) -> None:
    """Train a model, then test its best checkpoint."""
    run_trainer("fit", words)


def validate(words: list[str]) -> None:
    """Measure a checkpoint on a corpus's val split."""
    run_trainer("validate", words)


def test(words: list[str]) -> None:
    """Measure a checkpoint on a corpus's test split."""
    run_trainer("test", words)


def predict(words: list[str]) -> None:
    """Write a checkpoint's predictions for a corpus's test split to a file."""
    run_trainer("predict", words)


def read_yaml(text: str) -> Any:
    """Load YAML whose aliases cannot multiply it by more than 400.

    Raises:
        YAMLError: It has many of them, or is no YAML.
        ValueError: A value holds itself.
    """
    if len(re.findall(r"(?<![^\s\[,{:])\*\w", text)) > 16:  # five levels of three, at worst
        raise YAMLError("more than 16 aliases (*NAME)")
    json.dumps(found := plain_yaml(text), default=str, skipkeys=True)  # raises ValueError for what holds itself
    return found


plain_yaml = get_loader("yaml")
set_loader("yaml", read_yaml, (YAMLError, ValueError, RecursionError))


class OneLineParser(LightningArgumentParser):
    """A parser that reports a mistake in one line instead of a page of usage."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise `UserError` with the message of argparse or jsonargparse, or what it means."""
        line = " ".join(message.split())
        if found := re.search(r'^Parser key "([\w.]+)": (?:- )?Expected a path but (\S+) either', line):
            line = f"--{found[1]}={found[2]}: there is no such class; give a name, or project.MODULE.NAME"
        elif found := re.search(r"""key "([\w.]+)".* Option '(\w+)' is not accepted""", line):
            line = f"--{found[1]}.{found[2]} is not an option of the class that --{found[1]} names"
        raise UserError(f"{line[:300]}; see sentiment COMMAND --help") from ex

    def parse_args(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse whole numbers that are no size, count or seed: libraries would overflow in the middle of a run."""
        config = super().parse_args(*args, **kwargs)
        for name, value in vars(config.as_flat()).items():
            least, most = 0 if name.endswith("seed_everything") else -(2**32), 2**32 - 1  # NumPy's largest seed
            if isinstance(value, int) and not least <= value <= most:
                self.error(f"--{name.removeprefix(f'{SentimentCLI.command}.')} should be from {least} to {most}")
        return config


def run_configured(name: str, function: Callable[..., None], words: Sequence[str]) -> None:
    """Call a function that takes a data module, and perhaps a model, made from the configurations of `fit`.

    Raises:
        UserError: The arguments cannot be parsed, or the function itself raises it.
    """
    description, explained = explain(function)
    parser = OneLineParser(f"sentiment {name}", description=description, default_config_files=[default_config()])
    parser.add_argument("--config", action="config", help="a configuration that overrides the default")
    parameters = inspect.signature(function, eval_str=True).parameters
    for parameter in parameters.values():
        if parameter.annotation in (SentimentDataModule, SentimentClassifier):
            parser.add_class_arguments(parameter.annotation, parameter.name)
            continue
        kind = parameter.annotation
        settings: dict[str, Any] = {"help": explained.get(parameter.name)}
        settings |= {"required": True} if parameter.default is parameter.empty else {"default": parameter.default}
        if get_origin(kind) is list:
            (kind,), settings["nargs"] = get_args(kind), "+"
        parser.add_argument(f"--{parameter.name}", type=kind, **settings)
    for part in sorted({"data", "model", "trainer", "seed_everything"} - parameters.keys()):
        parser.add_argument(f"--{part}", type=Any, help="ignored by this command")
    ignore_idle_warnings()
    values = parser.instantiate_classes(parser.parse_args(list(words)))
    function(**{parameter: values[parameter] for parameter in parameters})


class SentimentCLI(LightningCLI):
    """`LightningCLI` for one model and one data module, never with untrained weights."""

    model: SentimentClassifier
    command = ""
    words: list[str]

    @classmethod
    def subcommands(cls) -> dict[str, set[str]]:
        """Return the one subcommand that runs: the parsers of the others would take longer than this one's."""
        return {cls.command: LightningCLI.subcommands()[cls.command] | {"weights_only"}}  # which it always is

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Let one seed determine the order of batches too, and let callbacks of add-ons be turned off."""
        parser.link_arguments("seed_everything", "data.seed", compute_fn=int)
        if self.command == "fit":
            parser.add_optimizer_args()
            parser.add_lr_scheduler_args()
            parser.add_argument("--resume", choices=[*registered("RESUME")], help="how to find the run to continue")
        for option, commands in OF_COMMANDS.items():  # a configuration that was saved by one fits the others too
            if self.command not in commands:
                parser.add_argument(f"--{option}", type=Any, help=f"ignored: an option of {commands[0]}")
        names, what = [*registered("CALLBACKS")], "names of add-ons whose callbacks to leave out"
        parser.add_argument("--without", nargs="+", default=[], choices=names, help=what)
        for name in (each for each in registered("CALLBACKS") if each != "resume"):  # which is an option of its own
            parser.add_argument(f"--{name}", type=bool, default=True, help=f"false: --without={name}")

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Read the checkpoint; if no argument names one, parse them all, since a configuration may name it.

        Raises:
            UserError: The arguments cannot be parsed, or the checkpoint cannot be read.
        """
        words = ArgumentParser(add_help=False, allow_abbrev=False)
        words.add_argument("--ckpt_path")
        path = words.parse_known_args(self.words)[0].ckpt_path
        if path in (None, "null"):
            super().parse_arguments(parser, args)
            config = self.config[self.command]
            path, how = config.ckpt_path, config.pop("resume", None)
            if how is not None:
                given = self._parser(self.command).dump(config, skip_none=False)
                if found := load(registered("RESUME")[how])(given):
                    path, self.words = found, [*self.words, f"--ckpt_path={found}"]
                    self.save_config_kwargs = {"overwrite": True}  # in the run's folder
        self.checkpoint = read_checkpoint(path) if path is not None else None
        if self.checkpoint is not None:
            restore(self.checkpoint, path)  # raises if it cannot be used

    def _parse_ckpt_path(self) -> None:
        """Use a checkpoint's own settings unless others are given; Lightning would let the checkpoint win.

        Raises:
            UserError: A checkpoint is needed and missing, or what was given cannot be used or contradicts it.
        """
        if self.checkpoint is not None:
            self._lay_over(settings_of(self.checkpoint))
        elif self.command != "fit":
            raise UserError(f"{self.command} needs a model, as in --ckpt_path=runs/version_0/checkpoints/best.ckpt")
        else:
            del self.config["fit"]["ckpt_path"]  # saved as null, it would undo --ckpt_path before --config
        self.config[self.command].pop("resume", None)
        for option, commands in OF_COMMANDS.items():  # likewise
            if self.command not in commands:
                del self.config[self.command][option]

    def _lay_over(self, own: dict[str, Any]) -> None:
        own = own if self.command == "fit" else {part: own[part] for part in own if part not in FIT}

        def parsed() -> Any:
            return self.parser.parse_args([self.command, "--config", json.dumps(own), *self.words])

        self.config, data = parsed(), own["data"]
        if self.config[self.command].data.corpus != data.get("corpus") and data.pop("soft_targets", False):
            self.config = parsed()  # they are columns of that corpus alone
        chosen = dict_to_namespace(self.config[self.command].as_dict())
        for name, value in dict_to_namespace(own).items():
            given = getattr(chosen.get(name), "class_path", chosen.get(name))
            if given != value and name.startswith(CHECKPOINT_DECIDES) and name not in FREE:
                option = name.replace(".init_args", "").removesuffix(".class_path")
                raise UserError(f"--{option} is {given}, but the checkpoint has {value}: omit it or train again")

    def instantiate_trainer(self, **kwargs: Any) -> L.Trainer:
        """Make the Trainer, with the callbacks that add-ons bring.

        Raises:
            UserError: Its settings contradict each other or the machine, such as a GPU that is not there.
        """
        config = self.config_init[self.subcommand]
        off = tuple(kind for name, kind in REFUSED.items() if config.trainer[name] is False)
        self.save_config_callback = SaveConfigCallback if config.trainer.logger else None  # without a run's folder
        places = registered("CALLBACKS")
        own = [Stop(), *(load(places[n])() for n in places if n not in config.without and config.get(n, True))]
        config.trainer.callbacks = [*(c for c in config.trainer.callbacks or [] if not isinstance(c, off)), *own]
        try:
            trainer = super().instantiate_trainer(**kwargs)
            how = trainer.precision, trainer.strategy.root_device.type
            if how in (("64-true", how[1]), ("16-true", "cpu")):
                raise ValueError(f"precision {how[0]} does not work here: choose 32-true or bf16-mixed")
        except (ValueError, TypeError, ImportError, OverflowError, MemoryError) as error:
            raise UserError(f"trainer settings: {' '.join(str(error).split())}") from error
        trainer.strategy.checkpoint_io = CheckpointFile()
        trainer.resumed = config.get("ckpt_path")  # type: ignore[attr-defined] # Lightning's own is not known in setup
        trainer.command = shlex.join(["sentiment", str(self.subcommand), *SentimentCLI.words])  # type: ignore[attr-defined]
        return trainer

    def after_instantiate_classes(self) -> None:
        """Make the checkpoint's network; the data module follows its vocabulary and labels."""
        if self.checkpoint is not None:
            self.model.build(self.checkpoint[KEY])
        config = self.config_init[self.command]
        chosen = {name: config[name].as_dict() for name in ("optimizer", "lr_scheduler") if config.get(name)}
        if "optimizer" in chosen:
            self.model.optimizer = chosen  # a resumed run takes it over
            self.model.configure_optimizers = partial(self._chosen, **chosen)  # type: ignore[method-assign]
        elif chosen:
            raise UserError("--lr_scheduler needs --optimizer, for example --optimizer=AdamW --optimizer.lr=4e-3")

    def _chosen(self, optimizer: dict[str, Any], lr_scheduler: Any = None) -> Any:
        """Return what `--optimizer` and `--lr_scheduler` name, for a network that exists by now."""
        rank_zero_only(print)(f"{optimizer['class_path']}: learning_rate, weight_decay and warmup have no effect")
        try:
            made = instantiate_class(self.model.parameters(), optimizer)
            schedule = lr_scheduler and instantiate_class(made, lr_scheduler)
        except (TypeError, ValueError, RuntimeError) as error:
            raise UserError(f"--optimizer and --lr_scheduler: {' '.join(str(error).split())}") from error
        return self.configure_optimizers(self.model, made, schedule)


def settings_of(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration that a checkpoint was trained with, as far as it holds it.

    Raises:
        UserError: It names an encoder that is not of this tree, or an optimizer that is neither of it nor of torch.
    """
    model, data = ({**checkpoint.get(key, {})} for key in ("hyper_parameters", "datamodule_hyper_parameters"))
    seed = {"seed_everything": data.pop("seed", 0)} if data else {}
    chosen = {"optimizer": None, "lr_scheduler": None} | checkpoint.get("optimizer", {})
    for made in filter(None, chosen.values()):
        if made["class_path"].split(".")[0] not in ("torch", "lightning", "project"):
            raise UserError(f"the checkpoint was trained with {made['class_path']}: resume from Python or train again")
    encoder_class(encoder_state(model["encoder"]))
    return {**seed, **chosen, "model": model, "data": data}


def ignore_idle_warnings() -> None:
    """Ignore warnings and advertisements of Lightning's that a user can do nothing about, or should not."""
    # lightning 2.6 uses torch 2.13 in a deprecated way
    warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
    # loading takes far less time than the model, and workers would compete with it for the cores
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    # a language model of a corpus without val is trained all the same
    warnings.filterwarnings("ignore", message=".*have no `val_dataloader`.*")
    # the arguments are those of sys.argv
    warnings.filterwarnings("ignore", message="LightningCLI's args parameter")
    # an advertisement at every start
    logging.getLogger("lightning.pytorch.utilities.rank_zero").addFilter(
        lambda record: "litlogger" not in record.getMessage()
    )


def run_trainer(command: str, words: list[str]) -> None:
    """Run fit, validate, test or predict.

    Raises:
        UserError: An option, a file or the data cannot be used.
    """
    for number in (signal.SIGTERM, signal.SIGINT):  # for a container's first process the kernel has no default
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    ignore_idle_warnings()
    SentimentCLI.command, SentimentCLI.words = command, words
    try:
        how: dict[str, Any] = {"parser_class": OneLineParser, "seed_everything_default": 42, "args": [command, *words]}
        how["parser_kwargs"] = {command: {"default_config_files": [default_config()]}}
        how["auto_configure_optimizers"] = False  # it wants the parameters before there is a network
        SentimentCLI(SentimentClassifier, SentimentDataModule, trainer_class=SentimentTrainer, **how)
    except (MisconfigurationException, UnicodeDecodeError) as error:  # also in the middle of a run
        raise UserError(f"trainer settings: {' '.join(str(error).split())}") from error
    except SIGTERMException:  # Lightning would exit with 0, as if all were done
        sys.exit(128 + (Stop.signal or signal.SIGTERM))
