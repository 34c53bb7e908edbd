"""Where configurations lie, and the parser that reads them."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from lightning.pytorch.cli import LightningArgumentParser

from project.datamodule import SentimentDataModule
from project.errors import UserError

DEFAULT_CONFIG = Path(__file__).parent.parent / "configs" / "default.yaml"
# options that make a vocabulary
VOCABULARY = [
    f"--data.{name}" for name in ("tokenizer", "bpe_size", "min_freq", "max_vocab_size", "vectors", "pretrained_words")
]


class OneLineParser(LightningArgumentParser):
    """A parser that reports a mistake in one line instead of a page of usage."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise `UserError` with the message of argparse or jsonargparse."""
        line = " ".join(message.split())
        raise UserError(f"{line[:300]}; see sentiment COMMAND --help") from ex


def corpus_parser(command: str, description: str, idle: Sequence[str] = ("model", "trainer")) -> OneLineParser:
    """Return a parser that reads the configurations of `fit`, of which only the corpus matters to the command.

    What it parses holds the `SentimentDataModule`, once instantiated, as `data`.

    Args:
        command: Its name.
        description: What it does.
        idle: Parts of a configuration that do not matter.
    """
    parser = OneLineParser(f"sentiment {command}", description=description, default_config_files=[str(DEFAULT_CONFIG)])
    parser.add_argument("--config", action="config", help="a configuration laid over the default")
    parser.add_class_arguments(SentimentDataModule, "data")
    for part in idle:
        parser.add_argument(f"--{part}", type=dict[str, Any], help="read over")
    parser.add_argument("--seed_everything", type=int, help="seed of what is drawn at random")
    return parser


def refuse_idle(options: Sequence[str], decides: str) -> None:
    """Check that the command line sets none of `options`, which are beginnings of their names.

    Raises:
        UserError: It does.
    """
    idle = [word for word in sys.argv[1:] if word.startswith(tuple(options))]
    if idle:
        raise UserError(f"{idle[0]} has no effect: the {decides}'s own setting is used; leave it out")
