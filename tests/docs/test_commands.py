"""Every `quanyu …` and `make …` that a page names exists, with its options, targets and variables."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from quanyu.faces.cli.app import app
from tests.docs.pages import ROOT, WRITTEN, blocks, inline
from tools.docs.settings import page as settings_page
from tools.targets import TARGETS

START = r"(?:^|\$\(|[;|&] ?)\s*(?:[A-Z_]+=\S+ +)*"
QUANYU = re.compile(START + r"(?:\.venv/bin/)?quanyu(?= |$)([^|;&)>]*)")
MAKE = re.compile(START + r"make(?= |$)([^|;&)#>]*)")
VARIABLE = re.compile(r"\bQUANYU_[A-Z_]+")
MAKE_VARIABLES = {"ARGS", "PYTHON"}


def spoken(path: Path) -> Iterator[tuple[str, str, bool]]:
    """Yield (place, text, whole) for each line of a shell block and each piece of inline code."""
    for block in blocks(path):
        if block.language == "sh":
            lines = re.sub(r"\\\n\s*", " ", block.text).splitlines()
            yield from ((f"{path.name}:{block.line}", line.partition(" #")[0], True) for line in lines)
    for number, code in inline(path):
        if code.startswith(("quanyu", ".venv/bin/quanyu", "make", "QUANYU_")):
            yield f"{path.name}:{number}", code, False


@cache
def root() -> Any:
    return typer.main.get_command(app)


def fault_of(words: list[str], whole: bool) -> str | None:
    """Return what is wrong with the words after `quanyu`; inline code may leave things out."""
    command = root()
    while hasattr(command, "commands"):
        if not words or words[0].startswith("-"):
            return None if not whole or words == ["--help"] else "names no command"
        if words[0] not in command.commands:
            return f"has no command {words[0]!r}"
        command, words = command.commands[words[0]], words[1:]
    options = {word: part for part in command.params if part.param_type_name == "option" for word in part.opts}
    arguments = [part for part in command.params if part.param_type_name == "argument"]
    given, values = set(), 0
    rest = iter(words)
    for word in rest:
        name = word.partition("=")[0]
        if not name.startswith("-"):
            values += 1
        elif name not in options:
            return f"has no option {name}"
        else:
            given.add(options[name].name)
            if not options[name].is_flag and "=" not in word and next(rest, None) is None:
                return f"gives {name} no value"
    return _count_fault(arguments, values, whole) or _missing(options.values(), given, whole)


def _count_fault(arguments: Sequence[Any], values: int, whole: bool) -> str | None:
    if values > len(arguments) and not any(part.nargs == -1 for part in arguments):
        return f"takes {len(arguments)} arguments, not {values}"
    if whole and values < sum(part.required for part in arguments):
        return f"misses {arguments[values].name}"
    return None


def _missing(options: Iterable[Any], given: set[str], whole: bool) -> str | None:
    lacking = sorted({part.name for part in options if part.required} - given)
    return f"misses --{lacking[0]}" if whole and lacking else None


def faults(path: Path) -> Iterator[str]:
    for place, text, whole in spoken(path):
        for said in QUANYU.findall(text):
            wrong = fault_of(shlex.split(said.replace("…", "")), whole)
            if wrong:
                yield f"{place}: quanyu{said}: {wrong}"
        for said in MAKE.findall(text):
            for word in shlex.split(said):
                name, _, value = word.partition("=")
                if (value and name not in MAKE_VARIABLES) or (not value and name not in TARGETS):
                    yield f"{place}: make has no {name!r}"


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_of_a_page_exists(path: Path) -> None:
    assert list(faults(path)) == []


def test_every_variable_of_a_page_is_read() -> None:
    known = set(VARIABLE.findall(settings_page(ROOT)))
    named = {(path.name, name) for path in WRITTEN for name in VARIABLE.findall(path.read_text("utf-8"))}
    assert {each for each in named if each[1] not in known} == set()
    assert named


def test_a_command_that_does_not_exist_is_found() -> None:
    assert fault_of(["check", "--home", "x"], True) is None
    assert fault_of(["token", "sign-in"], True) is None
    assert fault_of(["backup"], False) is None
    assert fault_of(["backup"], True) == "misses file"
    assert "no command 'fly'" in str(fault_of(["token", "fly"], True))
    assert fault_of(["check", "--hard"], True) == "has no option --hard"
    assert fault_of(["check", "now"], True) == "takes 0 arguments, not 1"
    assert fault_of(["check", "--home"], True) == "gives --home no value"
    assert fault_of(["erase", "person:li"], True) == "misses --reason"
    assert QUANYU.findall("TOKEN=$(quanyu token issue a --days 1)") == [" token issue a --days 1"]
    assert MAKE.findall("make run   # starts") == [" run   "]
