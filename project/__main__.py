"""The command line: ``python -m project COMMAND``, installed as ``sentiment``."""

import ast
import inspect
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from traceback import walk_tb

from project import options, process
from project.errors import UserError
from project.registry import load, registered

COMMANDS = {name: f"project.cli:{name}" for name in ("fit", "validate", "test", "predict")}


def main() -> int:
    """Run the command that `sys.argv` names; return 0, or 2 after one line about what the user can fix."""
    process.prepare()  # before anything imports torch
    name, *words = sys.argv[1:] or ["--help"]
    commands = COMMANDS | registered("COMMANDS")
    try:
        if name in ("-h", "--help"):
            print("usage: sentiment COMMAND [options]\n")
            print(*(f"  {name:10} {summary(place)}" for name, place in commands.items()), sep="\n")
            print("\nsentiment COMMAND --help lists the options of a command.")
        elif name in commands:
            run(name, commands[name], words)
        else:
            raise UserError(f"there is no command {name!r}: choose one of {', '.join(commands)}")
    except (UserError, OSError, OverflowError, MemoryError, RuntimeError) as error:
        line = " ".join(str(error).split()).partition(" Exception raised from ")[0]  # torch's own trace
        if isinstance(error, RuntimeError) and "allocate" not in line:  # torch's, when memory is missing
            raise
        if os.environ.get("LOCAL_RANK", "0") == "0":  # only one of several processes reports it
            print(f"error: {line[:900] or 'no memory is left: choose smaller sizes'}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def run(name: str, place: str, words: list[str]) -> None:
    """Import the function at `place` and call it with the command-line arguments `words`.

    Raises:
        UserError: The arguments cannot be parsed, a package is missing, or the command itself raises it.
    """
    try:
        function = load(place)
        parameters = inspect.signature(function, eval_str=True).parameters
        if list(parameters) == ["words"]:
            function(words)
        elif any(getattr(p.annotation, "__module__", "").startswith("project.") for p in parameters.values()):
            load("project.cli:run_configured")(name, function, words)  # takes a data module, or a model
        else:
            options.call(name, function, words)
    except ModuleNotFoundError as error:
        if (error.name or "project").startswith("project"):
            raise
        importers = [str(frame.f_globals.get("__name__")) for frame, _ in walk_tb(error.__traceback__)]
        room = [each for each in importers if each.startswith("project.")][-1]
        extra = room.removeprefix("project.").removeprefix("addons.").split(".")[0]
        raise UserError(f"sentiment {name} needs {error.name}: pip install -e '.[{extra}]'") from error


def summary(place: str) -> str:
    """Return the first line of a function's docstring without importing what it needs."""
    module, name = place.split(":")
    spec = find_spec(module)
    tree = ast.parse(Path(str(spec and spec.origin)).read_text(encoding="utf-8"))
    (found,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    return str(ast.get_docstring(found)).splitlines()[0].rstrip(".")


if __name__ == "__main__":
    sys.exit(main())
