"""Where configurations lie, and the parser that reads them."""

from pathlib import Path
from typing import NoReturn

from lightning.pytorch.cli import LightningArgumentParser

from project.errors import UserError

DEFAULT_CONFIG = Path(__file__).parent.parent / "configs" / "default.yaml"


class OneLineParser(LightningArgumentParser):
    """A parser that reports a mistake in one line instead of a page of usage."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise `UserError` with the message of argparse or jsonargparse."""
        line = " ".join(message.split())
        raise UserError(f"{line[:300]}; see sentiment COMMAND --help") from ex
