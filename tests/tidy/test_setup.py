"""What a newcomer meets when something is missing: words that say what, and what to do; never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tidy.findings import ROOT
from tools import console, environment, lock
from tools.say import Outcome, Trouble, watch

PIP_SAYS = {
    "cannot be reached": "WARNING: Retrying: 'NewConnectionError'\nERROR: No matching distribution found for x",
    "hash differs": "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",
    "the disk is full": "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
    "no ready-built file for Python": "ERROR: No matching distribution found for apsw==9",
    "pip stopped with code 1": "something else",
}


@pytest.mark.parametrize("expected", PIP_SAYS)
def test_pip_failures_are_told_apart(expected: str) -> None:
    problem = environment.explain_pip(Outcome(1, PIP_SAYS[expected].splitlines()))
    assert expected in problem.says
    assert problem.remedy


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("npm error code ECONNREFUSED", "npm registry cannot be reached"),
        ("npm error code EUSAGE", "package-lock.json differ"),
        ("npm error other", "npm stopped with code 1"),
    ],
)
def test_npm_failures_are_told_apart(said: str, expected: str) -> None:
    assert expected in console.explain_npm(Outcome(1, [said])).says


@pytest.mark.parametrize(
    ("node", "npm", "enough"),
    [
        ((20, 19, 0), (10, 8, 2), True),
        ((20, 18, 9), (10, 8, 2), False),
        ((21, 7, 0), (10, 8, 2), False),
        ((22, 11, 0), (11, 0, 0), False),
        ((22, 12, 0), (11, 0, 0), True),
        ((20, 19, 0), (9, 2, 0), False),
        ((), (), False),
    ],
)
def test_node_is_judged_by_what_vite_needs(node: tuple[int, ...], npm: tuple[int, ...], enough: bool) -> None:
    assert console.is_new_enough(node, npm) is enough


@pytest.mark.parametrize("row", ["--index-url x", "a @ file:///x", "a==1 # https://x", "/x/y.whl"])
def test_a_lock_that_names_a_place_is_refused(row: str) -> None:
    with pytest.raises(Trouble, match="names a place"):
        lock.clean(f"a==1 \\\n    --hash=sha256:0\n{row}\n", "what is tested")


def test_the_runtime_lock_is_part_of_the_dev_lock() -> None:
    runtime, dev = (path.read_text(encoding="utf-8") for path in environment.LOCKS.values())
    assert set(runtime.splitlines()[1:]) <= set(dev.splitlines())


def test_a_missing_program_is_named() -> None:
    with pytest.raises(Trouble, match="no-such-program does not exist"):
        watch(["no-such-program"], "trying")


def run_tools(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-S", "-m", "tools", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_an_unknown_target_lists_those_that_exist() -> None:
    ran = run_tools("tset")
    assert ran.returncode == 2
    assert "there is no target 'tset'" in ran.stderr
    assert "test, check" in ran.stderr


SKIPPING = 'import pytest\n\n\ndef test_a():\n    assert 1\n\n\ndef test_b():\n    pytest.skip("no browser here")\n'


@pytest.mark.parametrize(("ci", "code"), [("true", 1), ("", 0)])
def test_a_skip_fails_in_continuous_integration_only(tmp_path: Path, ci: str, code: int) -> None:
    (tmp_path / "conftest.py").write_text(
        (ROOT / "tests" / "conftest.py").read_text(encoding="utf-8"), encoding="utf-8"
    )
    (tmp_path / "test_skipping.py").write_text(SKIPPING, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    ran = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "CI": ci}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == code, ran.stdout
    assert ("1 skipped: a failure, since CI=true" in ran.stdout) == bool(code)
    assert ("test_skipping.py" in ran.stdout.split("since CI=true")[-1] and "no browser here" in ran.stdout) == bool(
        code
    )
