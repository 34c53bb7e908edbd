"""A typed function -> the parser of its command: its signature and docstring are the options and their help."""

import argparse
import inspect
import re
from collections.abc import Callable, Sequence
from types import UnionType
from typing import Any, Literal, NoReturn, Union, get_args, get_origin

from project.errors import UserError


class OneLineParser(argparse.ArgumentParser):
    """A parser that reports a mistake in one line instead of a page of usage."""

    def error(self, message: str) -> NoReturn:
        """Raise `UserError`."""
        raise UserError(f"{' '.join(message.split())[:300]}; see {self.prog} --help")


def call(name: str, function: Callable[..., None], words: Sequence[str]) -> None:
    """Call `function` with the command-line arguments `words` of command `name`.

    Positional-only parameters and ``*args`` become positional arguments, all others options.

    Raises:
        UserError: The arguments cannot be parsed.
    """
    text, explained = explain(function)
    parser = OneLineParser(f"sentiment {name}", description=text)
    positional: list[str] = []
    for parameter in inspect.signature(function, eval_str=True).parameters.values():
        settings = {**of_type(parameter.annotation), "help": explained.get(parameter.name, "").replace("%", "%%")}
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL):
            positional.append(parameter.name)
            many = parameter.kind == parameter.VAR_POSITIONAL
            parser.add_argument(parameter.name, nargs="*" if many else 1, **settings)
        elif parameter.default is parameter.empty:
            parser.add_argument(f"--{parameter.name}", required=True, **settings)
        else:
            settings["help"] += f" (default: {parameter.default})"
            parser.add_argument(f"--{parameter.name}", default=parameter.default, **settings)
    given = vars(parser.parse_args(words))
    values = [value for parameter in positional for value in given.pop(parameter)]
    function(*values, **given)


def of_type(kind: Any) -> dict[str, Any]:
    """Return the keywords of `add_argument` for a type."""
    if get_origin(kind) in (UnionType, Union):  # T | None
        kind = get_args(kind)[0]
    if get_origin(kind) is Literal:
        return {"choices": get_args(kind)}
    if kind is bool:  # --int8 and --int8=true
        return {"type": truth, "nargs": "?", "const": True, "metavar": "true|false"}
    return {"type": kind}


def truth(word: str) -> bool:
    """Return the boolean that `word` spells: true or false.

    Raises:
        ValueError: `word` is neither.
    """
    return ("false", "true").index(word) == 1


def explain(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """Return what a docstring says of its function, and of each argument."""
    text = inspect.getdoc(function) or ""
    head, _, rest = text.partition("\nArgs:\n")
    arguments = re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", rest.partition("\n\n")[0], re.MULTILINE)
    return head.partition("\nRaises:")[0].strip(), {name: " ".join(line.split()) for name, line in arguments}
