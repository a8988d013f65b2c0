"""The page of commands: what `quanyu --help` says, for every command at once."""

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

from tools.docs.markdown import section, sentence, table

FACE = "quanyu.faces.cli.app"


def page(module: str = FACE) -> str:
    """Every command with its arguments and options, read from the command line face itself."""
    try:
        face = importlib.import_module(module)
    except ModuleNotFoundError as absent:
        if absent.name is None or not FACE.startswith(absent.name):
            raise
        return "No commands yet."
    import typer

    app = next(value for value in vars(face).values() if isinstance(value, typer.Typer))
    return "".join(_command("quanyu", typer.main.get_command(app)))


def _command(name: str, command: Any) -> Iterator[str]:
    options = table(("Option", "Default", "Variable", "Meaning"), map(_option, _visible(command)))
    yield section(2, f"`{name}`", inspect.cleandoc(command.help or ""), options)
    for child in getattr(command, "commands", {}).values():
        if not child.hidden:
            yield from _command(f"{name} {child.name}", child)


def _visible(command: Any) -> list[Any]:
    unseen = {"help", "install_completion", "show_completion"}
    return [part for part in command.params if part.name not in unseen and not getattr(part, "hidden", False)]


def _option(part: Any) -> tuple[object, ...]:
    is_argument = part.param_type_name == "argument"
    spelt = f"`{part.name.upper()}`" if is_argument else ", ".join(f"`{word}`" for word in part.opts)
    default = part.default if isinstance(part.default, str | int | float) and part.default is not False else None
    return spelt, default, part.envvar, sentence(getattr(part, "help", None))
