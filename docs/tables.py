"""Write the pages that are tables of what this tree has: options of fit, commands and make targets, rooms.

``python -m docs.tables`` writes them, ``python -m docs.tables rooms`` prints the rooms.
"""

import ast
import inspect
import io
import json
import re
import sys
import tokenize
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from project import encoder, registry
from project.__main__ import COMMANDS, summary
from project.atomic import atomic_write
from project.classifier import SentimentClassifier
from project.cli import OneLineParser, SentimentCLI
from project.datamodule import SentimentDataModule
from project.options import explain
from project.trainer import SentimentTrainer

ROOT = Path(__file__).parents[1]
WRITTEN = "<!-- written by `make docs` -->\n"
Row = tuple[str, ...]

OPTIONS = """# Options

{written}
Every setting of `sentiment fit` is an option, `--NAME VALUE` or `--NAME=VALUE`, or a value in a configuration,
where dots are indentations. Defaults are those of the classes, with `configs/default.yaml` laid over them. Lists are
replaced; `--NAME+=VALUE` appends to one. `validate`, `test` and `predict` have the same options, but take those of the
model from the checkpoint. `sentiment COMMAND --help` explains those of other commands.

## The run

{run}
## The model

{model}
## The encoder

`--model.encoder=NAME` chooses it, with these options:

{encoder}
## The data

{data}
## The Trainer

These are Lightning's: `sentiment fit --help` explains them.

{trainer}"""
OF_OTHERS = {  # options that Lightning and jsonargparse bring
    "config": "A configuration, laid over the default and those before it.",
    "print_config": "Print the configuration that all options result in, and end.",
    "seed_everything": "Seed of weights, dropout and the order of batches.",
    "optimizer": "An optimizer of torch.optim instead of AdamW, by name; its options are --optimizer.OPTION.",
    "lr_scheduler": "A schedule of torch.optim.lr_scheduler for it, by name; its options are --lr_scheduler.OPTION.",
    "ckpt_path": "A checkpoint to go on from.",
}
HIDDEN = {"help", "model", "data", "trainer", "data.seed"}
ROOM_COLUMNS = ("room", "what it is for", "lines of code", "tests", "packages of its own")


def main() -> None:
    """Write the pages, or print the rooms."""
    if sys.argv[1:] == ["rooms"]:
        table = Table(*ROOM_COLUMNS)
        for row in room_rows():
            table.add_row(*(cell.replace("`", "") for cell in row))
        Console().print(table)
        return
    for name, text in pages().items():
        with atomic_write(ROOT / "docs" / name) as scratch:
            scratch.write_text(text, encoding="utf-8")


def pages() -> dict[str, str]:
    """Return the text of each page, by its name."""
    deleting = "How to delete one: [architecture.md](architecture.md#deleting-a-room)."
    rooms = markdown(ROOM_COLUMNS, room_rows())
    targets = "\n".join(
        f"### {topic.capitalize()}\n\n{markdown(('command', 'does'), rows)}" for topic, rows in target_rows()
    )
    commands = markdown(("command", "does", "where"), command_rows())
    return {
        "options.md": options_page(),
        "commands.md": f"# Commands\n\n{WRITTEN}\n## sentiment\n\n{commands}\n## make\n\n{targets}",
        "rooms.md": f"# Rooms\n\n{WRITTEN}\n{deleting}\n\n{rooms}",
    }


def markdown(columns: Row, rows: Iterable[Row]) -> str:
    """Return a table."""
    lines = [columns, tuple("---" for _ in columns), *rows]
    return "".join(f"| {' | '.join(' '.join(cell.split()) for cell in line)} |\n" for line in lines)


def options_page() -> str:
    """Return the options of fit, by group."""
    groups: dict[str, list[Row]] = {name: [] for name in ("run", "model", "encoder", "data", "trainer")}
    for action in fit_actions():
        group = action.dest.partition(".")[0]
        groups[group if group in groups else "run"].append(option(action))
    for kind in (encoder.BiLSTMEncoder, encoder.CNNEncoder):
        groups["encoder"] += encoder_rows(kind)
    columns = ("option", "default", "what it is")
    tables = {name: markdown(columns[: len(rows[0])], rows) for name, rows in groups.items()}
    return OPTIONS.format(written=WRITTEN, **tables)


class Found(Exception):  # noqa: N818 # no error: it ends a constructor that would go on to train
    """Carries the parser of fit."""


class FitParser(SentimentCLI):
    """Makes the parser of fit, and nothing else."""

    def parse_arguments(self, parser: Any, args: Any) -> None:
        """Stop here."""
        raise Found(self._subcommand_parsers["fit"])


def fit_actions() -> Iterator[Any]:
    """Yield the options of fit, as argparse has them, with the values of the default configuration."""
    SentimentCLI.command, SentimentCLI.words = "fit", []
    try:
        FitParser(
            SentimentClassifier,
            SentimentDataModule,
            trainer_class=SentimentTrainer,
            seed_everything_default=42,
            parser_class=OneLineParser,
            auto_configure_optimizers=False,
            parser_kwargs={"fit": {"default_config_files": [registry.default_config()]}},
            args=["fit"],
        )
    except Found as found:
        (parser,) = found.args
    values = parser.get_defaults()
    hidden = HIDDEN if registry.registered("RESUME") else {*HIDDEN, "resume"}
    for action in parser._actions:
        if action.dest not in hidden and not action.dest.endswith(".help") and "ignored: " not in str(action.help):
            action.default = values.get(action.dest)
            yield action


def option(action: Any) -> Row:
    """Return an option's row, with the room that brings it."""
    name, value = f"`--{action.dest}`", shown(action.default)
    if action.dest.startswith("trainer."):
        return name, value
    callbacks = registry.registered("CALLBACKS")
    room = f" (`{place_of(callbacks[action.dest])}`)" if action.dest in callbacks else ""
    return name, value, OF_OTHERS.get(action.dest, str(action.help)) + room


def shown(value: Any) -> str:
    """Return a default as a configuration has it."""
    if isinstance(value, list) and value:
        return "those of `configs/default.yaml`"
    value = getattr(value, "class_path", value)
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def encoder_rows(kind: type) -> Iterator[Row]:
    """Yield the options of an encoder."""
    _, explained = explain(kind)
    for name, parameter in inspect.signature(kind).parameters.items():
        if name != "embedding_dim":
            yield f"`--model.encoder.{name}` ({kind.__name__})", shown(parameter.default), explained[name]


def command_rows() -> Iterator[Row]:
    """Yield name, summary and place of each command."""
    for name, place in (COMMANDS | registry.registered("COMMANDS")).items():
        yield f"`sentiment {name}`", summary(place), f"`{place_of(place)}`"


def target_rows() -> Iterator[tuple[str, list[Row]]]:
    """Yield the topics of the Makefile, and the targets of each."""
    topics = re.split(r"^##@ (.*)\n", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    for topic, recipes in zip(topics[::2], topics[1::2], strict=True):
        found = re.findall(r"^([a-z-]+):.*## (.*)$", recipes, re.MULTILINE)
        yield topic, [(f"`make {target}`", does) for target, does in found]


def place_of(place: str) -> str:
    """Return the room, or the file, of a "module:name"."""
    parts = place.partition(":")[0].split(".")
    room = "/".join(parts[: 3 if parts[1] == "addons" else 2])
    return room if (ROOT / room).is_dir() else f"{room}.py"


def room_rows() -> Iterator[Row]:
    """Yield the rooms, those that everyone needs first."""
    facts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    yield room_row("project", "*.py", facts["dependencies"])
    rooms = ["project/packed_rnn", "project/ingest", *(room.replace(".", "/") for room in registry.rooms())]
    for room in rooms:
        if (ROOT / room).is_dir():
            yield room_row(room, "**/*.py", facts["optional-dependencies"].get(Path(room).name, []))


def room_row(room: str, files: str, needs: list[str]) -> Row:
    """Return a row of `ROOM_COLUMNS`."""
    described = ast.get_docstring(ast.parse((ROOT / room / "__init__.py").read_text(encoding="utf-8"))) or ""
    lines = sum(map(code_lines, (ROOT / room).glob(files)))
    tests = [path.read_text(encoding="utf-8") for path in (ROOT / room.replace("project", "tests", 1)).glob(files)]
    count = sum(len(re.findall(r"^def test_", text, re.MULTILINE)) for text in tests)
    packages = [re.match(r"[\w-]+", need)[0] for need in needs if not need.startswith("project[")]  # type: ignore[index]
    what = " ".join(described.partition("\n\n")[0].split()).replace("``", "`")
    return f"`{room}`", what, f"{lines:,}", f"{count:,}", ", ".join(packages)


def code_lines(path: Path) -> int:
    """Return how many lines hold code: no blanks, comments or docstrings."""
    source = path.read_text(encoding="utf-8")
    empty = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    found: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in empty:
            found.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node
        ):
            found.difference_update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return len(found)


if __name__ == "__main__":
    main()
