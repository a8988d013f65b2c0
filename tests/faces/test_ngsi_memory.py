"""Hostile requests to a served hub in a process of its own: its memory is bounded, and it goes on answering."""

from __future__ import annotations

import http.client
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PEAK_MAX_MB = 500
"""Above what the hub held before: a body of 16 MB, what it becomes, and what is made of that."""

MB = 2**20
LIMIT = 16 * MB
BASE = "/ngsi-ld/v1"
LINKED = "application/ld+json"


@contextmanager
def serving(home: Path) -> Iterator[tuple[int, int]]:
    """Serve a home; yield the process id and the port."""
    command = "from quanyu.faces.cli import main; main()"
    words = ["serve", "--home", str(home), "--port", "0", "--open"]
    server = subprocess.Popen(
        [sys.executable, "-c", command, *words],
        env={**os.environ, "PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)", server.stdout.readline())
        assert found is not None
        yield server.pid, int(found[1])
    finally:
        server.kill()
        server.communicate(timeout=60)


def peak_mb(pid: int) -> float:
    """Return the most memory that a process ever held (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024


def sent(port: int, path: str, content: bytes, media: str = "application/json") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", f"{BASE}{path}", content, {"Content-Type": media})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def filled(start: bytes, part: bytes, end: bytes, size: int = LIMIT) -> bytes:
    """Return a body as large as it may be."""
    return start + part * ((size - len(start) - len(end)) // len(part)) + end


def head(name: str) -> bytes:
    return b'{"id":"urn:a:' + name.encode() + b'","type":"T",'


def value(name: str, start: bytes = b"") -> bytes:
    return head(name) + b'"v":{"type":"Property","value":' + start


QUERY = b'{"type":"Query","entities":[{"type":"T"}],'
POINT = b'{"value":1,"observedAt":"2026-01-01T00:00:00Z"},'
HOSTILE: list[tuple[str, bytes, set[int]]] = [
    ("/entities", b"[" * LIMIT, {413}),
    ("/entities", filled(b"", b'{"a":', b""), {413}),
    ("/entities", filled(value("lists", b"["), b"[],", b"0]}}"), {413}),
    ("/entities", filled(value("objects", b"["), b"{},", b"0]}}", 3 * MB), {413}),
    ("/entities", filled(value("most", b"["), b"{},", b"0]}}", MB), {201}),
    ("/entities", filled(head("keys"), b'"a":1,', b'"a":1}'), {413}),
    ("/entities", value("digits") + b"9" * (LIMIT - 100) + b"}}", {400}),
    ("/entities", filled(value("text", b'"'), b"x", b'"}}'), {201}),
    ("/entities", filled(head("name") + b'"', b"x", b'":1}'), {400}),
    ("/entities", filled(b"", b"x", b""), {400}),
    ("/entities", b" " * (LIMIT + 1), {413}),
    ("/entityOperations/create", filled(b"[", b"null,", b"null]"), {413}),
    ("/entityOperations/create", b"[" + b'{"id":"urn:a:twin","type":"T","v":1},' * 9_999 + b"{}]", {207}),
    ("/entityOperations/query", filled(QUERY + b'"q":"', b"a>1;", b'a>1"}'), {400, 403}),
    ("/entityOperations/query", filled(QUERY + b'"attrs":[', b'"abcdefghijklmnopq",', b'"a"]}'), {400}),
    ("/temporal/entities", filled(head("past") + b'"v":[', POINT, b"1]}", 4 * MB), {201}),
    ("/jsonldContexts", b'{"@context":{' + b",".join(b'"a%d":"urn:a:%d"' % (n, n) for n in range(400_000)) + b"}}", {400, 413}),
]  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_memory_of_a_hub_is_bounded_whatever_comes(tmp_path: Path) -> None:
    with serving(tmp_path / "home") as (pid, port):
        assert sent(port, "/entities", head("first") + b'"v":1}') == 201
        before = peak_mb(pid)
        for path, content, expected in HOSTILE:
            status = sent(port, path, content)
            assert status in expected, f"{path} {content[:60]!r}: {status}"
            held = peak_mb(pid) - before
            assert held < PEAK_MAX_MB, f"{path} {content[:60]!r}: {held:.0f} MB more"
        source = b",".join(b'{"id":"urn:c:%d","type":"T","@context":{"x%d":"urn:x"}}' % (n, n) for n in range(2_000))
        assert sent(port, "/entityOperations/create", b"[" + source + b"]", LINKED) == 201
        endless(port)
        assert peak_mb(pid) - before < PEAK_MAX_MB
        assert sent(port, "/entities", head("last") + b'"v":1}') == 201


def endless(port: int) -> None:
    """A body in chunks that does not end, with no length and with a false one: both are refused before their end."""
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    lines = f"POST {BASE}/entities HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(f"{lines}Transfer-Encoding: chunked\r\n\r\n".encode())
        try:
            for _ in range(1_000):
                connection.sendall(chunk)
        except OSError:
            return
        assert connection.recv(100).startswith(b"HTTP/1.1 4")
