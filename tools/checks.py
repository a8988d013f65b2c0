"""The checks that need no running code: format, lint, types and import contracts."""

from collections.abc import Sequence
from pathlib import Path

from tools.environment import VENV
from tools.say import ROOT, line, watch

PLACES = ("src", "tests", "tools", "bench")


def run() -> int:
    """Runs every check, also after one has failed; prints a heading each and the words of those that failed."""
    failed = [heading for heading, command in steps().items() if not _passes(heading, command)]
    if failed:
        line(f"\n{len(failed)} of {len(steps())} checks failed: {', '.join(failed)}")
    return 1 if failed else 0


def steps() -> dict[str, Sequence[str | Path]]:
    """Heading → command; a folder that a checkout does not have is left out."""
    places = [name for name in PLACES if any((ROOT / name).rglob("*.py"))]
    tool = VENV / "bin"
    return {
        "format": [tool / "ruff", "format", "--check", "--quiet", "--diff", *places],
        "lint": [tool / "ruff", "check", "--quiet", *places],
        "types": [tool / "mypy", "--no-error-summary", *places],
        "contracts": [tool / "lint-imports"],
    }


def _passes(heading: str, command: Sequence[str | Path]) -> bool:
    line(f"check {heading}")
    outcome = watch(command, heading, env={"PYTHONPATH": str(ROOT / "src")})
    if outcome.code:
        line("\n".join(outcome.lines))
    return outcome.code == 0
