"""Where deliveries may not go, and what a receiver may answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from quanyu.adapters.http.post import HttpPost
from quanyu.engines.notify.engine import NotifyEngine
from quanyu.engines.notify.webhook import public
from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Command
from tests.desk import MemoryDesk
from tests.engines.test_notify import HOOK, SECRET


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/x",
        "https://",
        "https://user:pass@example.org/",
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://10.1.2.3/",
        "http://169.254.169.254/latest",
        "http://localhost:8000/",
        "http://db.internal/",
        "http://example.org:99999/",
        "http://example.org/#x",
    ],
)
def test_addresses_that_are_refused(url: str) -> None:
    desk = MemoryDesk(NotifyEngine())
    with pytest.raises(Invalid) as caught:
        desk.run(Command("webhook.put", "a", {"webhook": {**HOOK, "url": url}, "secret": SECRET}))
    assert caught.value.code == "webhook.url"
    assert desk.records == []


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("10.0.0.1", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("fe80::1%eth0", False),
        ("::ffff:192.168.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_public_addresses(address: str, expected: bool) -> None:
    assert public(address) is expected


def test_a_name_is_judged_again_when_it_is_connected_to() -> None:
    for addresses in ([], ["127.0.0.1"], ["8.8.8.8", "10.0.0.1"]):

        def resolve(host: str, port: int, found: list[str] = addresses) -> list[str]:
            return found

        answer = HttpPost(resolve=resolve)("https://example.org/", b"{}", {})
        assert answer.status == 0
        assert "public" in str(answer.error)


@contextmanager
def listening(status: int) -> Iterator[tuple[str, list[bytes]]]:
    got: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook?a=1", got
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(("status", "taken"), [(204, True), (302, False), (410, False)])
def test_post_over_a_real_socket(status: int, taken: bool) -> None:
    with listening(status) as (url, got):
        answer = HttpPost(allow_private=True)(url, b'{"a":1}', {"Content-Type": "application/json"})
        refused = HttpPost()(url, b"{}", {})
    assert (answer.status, answer.taken) == (status, taken)
    assert got == [b'{"a":1}'], "the private address is refused without leave, redirects are not followed"
    assert refused.status == 0
    assert HttpPost(allow_private=True, timeout_s=1)(url, b"{}", {}).status == 0, "nobody listens any more"
