"""What the rooms of this tree bring: found by scanning, so that a folder can be deleted without editing anything else.

The dictionaries in the `__init__.py` of export, serve and each add-on hold strings, "module:name", imported on use:
COMMANDS (functions of the command line), CALLBACKS (added to every run of the Trainer), NETWORKS
(``--model.network``), NODES (functions that export a network or an encoder, by its class name), CORPORA (functions
from a name, or from any OWNER/NAME, to a source of rows), TOKENIZERS (classes, by ``--data.tokenizer`` and scheme),
VECTORS (a function from a FILE to words and vectors), START (one that lets a network start from a FILE), RESUME
(functions from a configuration of fit, as YAML, to the checkpoint to continue from, or None, by ``--resume``) and
SECTIONS (functions from a predictor and a run's folder to the title and the escaped HTML of a section of the report)
and LABELS (by ``--data.labels``: subclasses of ingest's `RowChecker`, whose `figures` name a subclass of head.py's
`Figures`). Here is also where to find the default configuration.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

from project.errors import UserError

ROOT = Path(__file__).parent
# a wheel has them inside of the package
DEFAULT_CONFIG = (ROOT if (ROOT / "configs").is_dir() else ROOT.parent) / "configs" / "default.yaml"


def default_config() -> str:
    """Return the file that all other configurations are laid over; parsers would pass over its absence.

    Raises:
        UserError: It is missing: another job would run than the one that was asked for.
    """
    if not DEFAULT_CONFIG.is_file():
        raise UserError(f"{DEFAULT_CONFIG} is missing, without which another job would run: restore it")
    return str(DEFAULT_CONFIG)


def rooms() -> list[str]:
    """Return the packages that may bring something, such as ``project.addons.teach``."""
    inits = [ROOT / "export/__init__.py", ROOT / "serve/__init__.py", *sorted(ROOT.glob("addons/*/__init__.py"))]
    return [".".join((ROOT.name, *init.parent.relative_to(ROOT).parts)) for init in inits if init.is_file()]


def registered(kind: str) -> dict[str, str]:
    """Return "module:name" by name."""
    found: dict[str, str] = {}
    for room in rooms():
        found |= getattr(import_module(room), kind, {})
    return found


def load(place: str) -> Any:
    """Import what a "module:name" points to."""
    module, name = place.split(":")
    return getattr(import_module(module), name)


def find(kind: str, name: str, what: str, *own: str) -> Any:
    """Import what a room brings as `name`.

    Raises:
        UserError: None does; the message says `what` is missing and lists what there is, the tree's `own` first.
    """
    brought = registered(kind)
    if name not in brought:
        raise UserError(f"this tree has no {what}, only {', '.join([*own, *brought])}")
    return load(brought[name])
