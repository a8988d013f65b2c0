"""What a person sees while a target works: headings, progress of slow commands, and what to do when one fails."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
QUIET_S = 2.0
REPEAT_S = 15.0


class Trouble(Exception):
    """Something outside the code stops the target: `says` names it, `remedy` is what the person can do."""

    def __init__(self, says: str, remedy: str, detail: Sequence[str] = ()) -> None:
        super().__init__(says)
        self.says = says
        self.remedy = remedy
        self.detail = list(detail)


@dataclass
class Outcome:
    """How a command ended: its exit code, every line that it printed, and its length in seconds."""

    code: int
    lines: list[str] = field(default_factory=list)
    took_s: float = 0.0

    def tail(self, count: int = 15) -> list[str]:
        """The last lines that hold text: usually where a tool says why it stopped."""
        return [line for line in self.lines if line.strip()][-count:]


def line(text: str) -> None:
    """Prints at once, so that a heading stands before the output of the command that it announces."""
    print(text, flush=True)


def trouble(problem: Trouble) -> None:
    """Prints a problem on the error stream: what, the tool's own last words, and the remedy last."""
    rows = [f"\nStopped: {problem.says}", *(f"  | {row}" for row in problem.detail), f"  To do: {problem.remedy}"]
    print("\n".join(rows), file=sys.stderr, flush=True)


class Progress:
    """One status line for work of unknown length: rewritten on a terminal, repeated now and then in a log."""

    def __init__(self, doing: str) -> None:
        self.doing = doing
        self.live = sys.stdout.isatty()
        self.began = time.monotonic()
        self.next_s = QUIET_S
        self.shown = False

    def show(self, latest: str) -> None:
        """Silent for the first two seconds; `latest` is cut to the width of the terminal."""
        passed_s = time.monotonic() - self.began
        if passed_s < self.next_s:
            return
        self.next_s = passed_s + (0.2 if self.live else REPEAT_S)
        text = f"  … {self.doing}, {passed_s:.0f} s" + (f": {latest}" if latest else "")
        if self.live:
            width = os.get_terminal_size().columns - 1
            print(f"\r\x1b[K{text[:width]}", end="", flush=True)
        else:
            print(text[:160], flush=True)
        self.shown = True

    def end(self) -> float:
        """Wipes the status line and returns the seconds that have passed."""
        if self.live and self.shown:
            print("\r\x1b[K", end="", flush=True)
        return time.monotonic() - self.began


def watch(
    command: Sequence[str | Path],
    doing: str,
    brief: Callable[[str], str | None] = lambda text: text.strip(),
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
) -> Outcome:
    """Runs a command without standard input, keeps its output and shows progress.

    `brief` makes a status of a line; None keeps the last one. Raises Trouble when there is no such program.
    """
    outcome = Outcome(code=-1)
    latest = ""

    def drain() -> None:
        nonlocal latest
        assert process.stdout is not None
        for text in process.stdout:
            outcome.lines.append(text.rstrip("\n"))
            latest = brief(text) or latest

    try:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except FileNotFoundError as cause:
        raise Trouble(f"{command[0]} does not exist", "run `make clean`, then `make setup`") from cause
    progress = Progress(doing)
    reader = threading.Thread(target=drain, daemon=True)
    reader.start()
    try:
        while reader.is_alive():
            reader.join(0.1)
            progress.show(latest)
        outcome.code = process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    finally:
        outcome.took_s = progress.end()
    return outcome


def follow(command: Sequence[str | Path], env: Mapping[str, str] | None = None) -> int:
    """Runs a command that speaks for itself (a test runner, a server) and returns its exit code."""
    return subprocess.run(
        [str(part) for part in command], cwd=ROOT, env={**os.environ, **(env or {})}, check=False
    ).returncode
