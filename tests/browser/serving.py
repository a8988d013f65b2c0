"""The hub as its users start it: one `quanyu serve` process on a home, and what an operator does beside it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from quanyu.assembly.remote import operate

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-c", "from quanyu.faces.cli import main; main()")
START_S = 60.0
SEED = "20260302"
"""A seed whose first days have ordinary air: what turns here, a test has turned."""
ADMINISTRATOR = "person:admin"


class Server:
    """A running hub; `printed` is the sign-in link of its output, empty once anybody has signed in."""

    def __init__(self, home: Path, process: subprocess.Popen[bytes], url: str, output: Path, since: float) -> None:
        self.home, self.process, self.url, self._output = home, process, url, output
        self.answered_s = time.monotonic() - since
        self._client: httpx.Client | None = None

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def printed(self) -> str:
        found = re.search(r"http://\S+/sign-in\?token=\S+", self._output.read_text("utf-8"))
        return found[0] if found else ""

    def link(self, person: str) -> str:
        return self.url + str(operate(self.home, "sign-in", {"person": person})["path"])

    @property
    def client(self) -> httpx.Client:
        """Client with a token that may do everything."""
        if self._client is None:
            token = operate(self.home, "token.issue", {"person": ADMINISTRATOR, "title": "tests"})["token"]
            headers = {"Authorization": f"Bearer {token}"}
            self._client = httpx.Client(base_url=self.url, headers=headers, timeout=10)
        return self._client

    def ask(self, method: str, path: str, **more: Any) -> Any:
        """Return the JSON that the API answers to the administrator."""
        answer = self.client.request(method, path, **more)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def now(self) -> str:
        return str(self.ask("GET", "/api/v1/city")["now"])

    def cases(self, **asked: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("GET", "/api/v1/cases", params=asked)["items"]
        return found

    def vital(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("GET", f"/api/v1/indicators/{name}")
        return found

    def streams(self) -> int:
        text = self.client.get("/metrics").text
        found = re.search(r"^quanyu_event_streams (\d+)", text, re.MULTILINE)
        assert found is not None, text
        return int(found[1])

    def rss_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) / 1024

    def cpu_s(self) -> float:
        """Processor time that the process has used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("ascii").rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self, number: int = signal.SIGTERM) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(30)


@contextmanager
def serving(
    home: Path, *, port: int = 0, speed: float = 60, warm_days: int = 0, more: Sequence[str] = ()
) -> Iterator[Server]:
    """Serve a demo home until the block ends; it answers when the block begins."""
    server = start(home, port=port, speed=speed, warm_days=warm_days, more=more)
    try:
        yield server
    finally:
        server.end()


def start(home: Path, *, port: int = 0, speed: float = 60, warm_days: int = 0, more: Sequence[str] = ()) -> Server:
    """Start serving and return at the first answer; whoever starts it ends it."""
    since = time.monotonic()
    output = home.parent / f"{home.name}-{time.monotonic_ns()}.log"
    asked = ("serve", "--home", str(home), "--port", str(port), "--demo", "--speed", str(speed), "--seed", SEED)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200"}
    with output.open("wb") as sink:
        process = subprocess.Popen(
            [*COMMAND, *asked, "--warm-days", str(warm_days), *more],
            cwd=ROOT, env=environment, stdout=sink, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        return Server(home, process, _answering(process, output), output, since)
    except BaseException:
        process.kill()
        process.wait()
        raise


def _answering(process: subprocess.Popen[bytes], output: Path) -> str:
    """Return the address once it answers; a process that ends or says nothing for a minute is a failure."""
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        found = re.search(r"at (http://127\.0\.0\.1:\d+)", output.read_text("utf-8"))
        if found is not None and _answers(found[1]):
            return found[1]
        time.sleep(0.01)
    raise AssertionError(f"quanyu serve did not answer (status {process.poll()}):\n{output.read_text('utf-8')}")


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=5).is_success
    except httpx.TransportError:
        return False
