"""The targets of the Makefile, each a short list of steps."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tools import checks, console, environment, lock, machine
from tools import conformance as etsi
from tools.say import ROOT, Trouble, follow, line, trouble

QUANYU = environment.VENV / "bin" / "quanyu"
SOURCES = {"PYTHONPATH": str(ROOT / "src")}
MADE = (".venv", "dist", "build", "console/node_modules", "src/quanyu/faces/web/static", "artefacts")
NO_TESTS = 5
BROWSER = "tests/browser"
CACHES = (".mypy_cache", ".ruff_cache", ".import_linter_cache", ".hypothesis", ".pytest_cache")


def run(words: Sequence[str]) -> int:
    """Runs the target that the first word names and hands it the rest; the world's faults become words."""
    name, rest = (words[0], words[1:]) if words else ("", ())
    target = TARGETS.get(name)
    if target is None:
        trouble(Trouble(f"there is no target {name!r}", f"use one of: {', '.join(TARGETS)}"))
        return 2
    try:
        return target(rest)
    except Trouble as problem:
        trouble(problem)
    except OSError as problem:
        trouble(
            Trouble(
                f"{problem.filename or 'the system'}: {problem.strerror}",
                "check rights and free space in this folder, then run it again",
            )
        )
    except KeyboardInterrupt:
        line("\nStopped by you; run the same command again to go on")
        return 130
    return 1


def setup(rest: Sequence[str]) -> int:
    """Installs what running needs."""
    environment.prepare("runtime")
    return 0


def build_console(rest: Sequence[str]) -> int:
    """Builds the console."""
    environment.prepare("runtime")
    console.prepare()
    return 0


def serve(rest: Sequence[str]) -> int:
    """Sets up, then becomes the hub with its demo city, so that signals reach it directly."""
    build_console(())
    port, home = os.environ.get("QUANYU_PORT") or "8000", os.environ.get("QUANYU_HOME") or "./var"
    os.chdir(ROOT)
    os.environ.update(SOURCES)
    os.execv(QUANYU, [str(QUANYU), "serve", "--demo", "--home", home, "--port", port, *rest])


def check(rest: Sequence[str]) -> int:
    """Format, lint, types, contracts."""
    environment.prepare("dev")
    return checks.run()


def test(rest: Sequence[str]) -> int:
    """Everything that must hold before a change lands; the first group that fails stops it."""
    environment.prepare("dev")
    machine.prepare()
    console.prepare()
    if checks.run():
        return 1
    for name in ("check", "test", "sizes"):
        if name in console.scripts():
            line(f"console {name}")
            outcome = console.run_script(name)
            if outcome.code:
                raise Trouble(f"the console's own {name} fails", f"run `npm run {name}` in console/", outcome.tail(40))
    return _pytest(rest) if rest else _all_tests()


def conformance(rest: Sequence[str]) -> int:
    """Plays the NGSI-LD test suite of ETSI, a clone of which SUITE names, against a hub of its own."""
    environment.prepare("runtime")
    return etsi.run(rest)


def soak(rest: Sequence[str]) -> int:
    """Long fault and simulation runs, left out of `make test`."""
    environment.prepare("dev")
    return _pytest(["-m", "soak", "-s", *rest])


def bench(rest: Sequence[str]) -> int:
    """Measures the hub; prints a table."""
    environment.prepare("dev")
    return follow([QUANYU, "bench", *rest], SOURCES)


def docs(rest: Sequence[str]) -> int:
    """Writes docs/reference anew from code and data."""
    environment.prepare("dev")
    return follow([environment.PYTHON, "-m", "tools.docs", *rest], SOURCES)


def renew_locks(rest: Sequence[str]) -> int:
    """Writes the lock files from pyproject.toml; `--upgrade` takes the newest versions."""
    return lock.renew(upgrade="--upgrade" in rest)


def clean(rest: Sequence[str]) -> int:
    """Removes what the targets made; leaves ./var, which holds a city's data."""
    for path in [*(ROOT / name for name in (*MADE, *CACHES)), *_compiled()]:
        if path.is_symlink():
            path.unlink()
        elif path.exists():
            shutil.rmtree(path)
    if (ROOT / "var").exists():
        line("Left in place: var/ (the demo city's data)")
    return 0


def _compiled() -> list[Path]:
    return [path for place in (*checks.PLACES, "docs") for path in (ROOT / place).rglob("__pycache__")]


def _pytest(rest: Sequence[str]) -> int:
    places = [word for word in rest if word.startswith("tests/") and not (ROOT / word.split("::")[0]).exists()]
    if places:
        raise Trouble(f"{places[0]} does not exist in this checkout", "choose one of the folders in tests/")
    line("tests")
    sys.stdout.flush()
    code = follow([environment.PYTHON, "-m", "pytest", *rest], SOURCES)
    if code == NO_TESTS:
        raise Trouble("no test was chosen", "check the words in ARGS, and that this checkout has such tests")
    return code


def _all_tests() -> int:
    """Runs the tests that drive a browser beside all others, on a core of their own; what they say comes last."""
    line("tests")
    pytest, environ = [str(environment.PYTHON), "-m", "pytest"], {**os.environ, **SOURCES}
    with tempfile.TemporaryFile() as said:
        beside = subprocess.Popen([*pytest, BROWSER], cwd=ROOT, env=environ, stdout=said, stderr=subprocess.STDOUT)
        try:
            code = follow([*pytest, f"--ignore={BROWSER}"], SOURCES)
            line("tests in a browser")
            code = beside.wait() or code
        finally:
            beside.terminate()
            beside.wait()
        said.seek(0)
        line(said.read().decode(errors="replace"))
    return code


TARGETS: dict[str, Callable[[Sequence[str]], int]] = {
    "setup": setup,
    "run": serve,
    "test": test,
    "check": check,
    "console": build_console,
    "conformance": conformance,
    "bench": bench,
    "soak": soak,
    "docs": docs,
    "lock": renew_locks,
    "clean": clean,
}
