"""The suite's clone: which of its files are the base, a copy to play, and an environment to play it in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.conformance.contexts import local
from tools.environment import explain_pip
from tools.say import Trouble, line, watch
from tools.stamp import digest, is_fresh, press

PARTS = ("TP", "resources", "data", "libraries")


def _git(clone: Path, *words: str) -> str | None:
    outcome = subprocess.run(["git", "-C", str(clone), *words], capture_output=True, text=True, check=False)
    return outcome.stdout if outcome.returncode == 0 else None


def base_files(clone: Path) -> frozenset[str] | None:
    """Return the robot files of the suite's first commit, None when the clone has no history of its own."""
    if not (clone / ".git").exists():
        return None
    roots = (_git(clone, "rev-list", "--max-parents=0", "HEAD") or "").split()
    names: set[str] = set()
    for root in roots:
        names.update((_git(clone, "ls-tree", "-r", "--name-only", root, "TP") or "").splitlines())
    return frozenset(name for name in names if name.endswith(".robot")) or None


def commit(clone: Path) -> str:
    """Return the commit of the clone, or `unknown`."""
    return (_git(clone, "rev-parse", "--short", "HEAD") or "unknown").strip()


def copy(target: Path, clone: Path, contexts_url: str, only: frozenset[str] | None) -> Path:
    """Copy the suite with its contexts asked for here; `only`: robot files that are played, the rest is left out."""
    if target.exists():
        shutil.rmtree(target)
    for part in PARTS:
        if (clone / part).is_dir():
            shutil.copytree(clone / part, target / part, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    for path in target.rglob("*"):
        name = path.relative_to(target).as_posix()
        if path.suffix == ".robot" and only is not None and name not in only and not path.name.startswith("__init__"):
            path.unlink()
        elif path.is_file():
            # Bytes that are no text go through as they are.
            text = path.read_text(encoding="utf-8", errors="surrogateescape")
            changed = local(text, contexts_url)
            if changed != text:
                path.write_text(changed, encoding="utf-8", errors="surrogateescape")
    return target


def environment(work: Path, clone: Path) -> Path:
    """Return the program `robot`: of SUITE_VENV, or of an environment that is made once for the suite's requirements."""
    given = os.environ.get("SUITE_VENV")
    if given:
        robot = Path(given).expanduser() / "bin" / "robot"
        if not robot.exists():
            raise Trouble(f"{robot} does not exist", "let SUITE_VENV name an environment with Robot Framework")
        return robot
    venv, stamp = work / "venv", work / "venv.stamp"
    requirements = clone / "requirements.txt"
    wanted = digest([requirements])
    if is_fresh(stamp, wanted) and (venv / "bin" / "robot").exists():
        return venv / "bin" / "robot"
    if venv.exists():
        shutil.rmtree(venv)
    work.mkdir(parents=True, exist_ok=True)
    line("Making an environment for the suite")
    outcome = watch([sys.executable, "-m", "venv", venv], "creating it")
    if outcome.code:
        raise Trouble("the environment cannot be made", "Debian, as root: apt-get install python3-venv", outcome.tail())
    # The suite's own library is taken from the copy by PYTHONPATH; everything else is a package.
    rows = requirements.read_text(encoding="utf-8").splitlines()
    packages = [row.strip() for row in rows if row.strip() and row.strip()[0] not in "#-"]
    options = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    outcome = watch([venv / "bin" / "python", "-m", "pip", "install", *options, *packages], "installing its packages")
    if outcome.code:
        raise explain_pip(outcome)
    press(stamp, wanted)
    return venv / "bin" / "robot"
