"""Letters by HTTP: kept connections, answers, time-outs, dead hosts and where letters may not go."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from quanyu.adapters.http.carrier import HttpCarrier, request_head
from quanyu.engines.notify.parcel import Letter
from quanyu.engines.notify.store import Answer

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter, list[bytes]], object]


class Town:
    """A server on a free port of this machine; `got` are the requests that it read."""

    def __init__(self, answer: bytes = b"HTTP/1.1 204 No Content\r\n\r\n", closes: bool = False, mute: bool = False):
        self.answer, self.closes, self.mute = answer, closes, mute
        self.got: list[bytes] = []
        self.connections = 0
        self.port = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                self.got.append(head + await reader.readexactly(length))
                if self.mute:
                    continue
                writer.write(self.answer)
                if self.closes:
                    break
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        writer.close()

    @contextmanager
    def open(self) -> Iterator[str]:
        loop = asyncio.new_event_loop()
        server = loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{self.port}/notify?a=1"
        finally:

            async def end() -> None:
                server.close()
                tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

            asyncio.run_coroutine_threadsafe(end(), loop).result(5)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


@pytest.fixture
def carrier() -> Iterator[HttpCarrier]:
    carrier = HttpCarrier(allow_private=True)
    yield carrier
    carrier.close()


def carried(carrier: HttpCarrier, *letters: Letter, timeout_s: float = 10) -> list[Answer]:
    answers: list[Answer] = []
    all_in = threading.Event()

    def done(answer: Answer) -> None:
        answers.append(answer)
        if len(answers) == len(letters):
            all_in.set()

    for letter in letters:
        carrier.carry(letter, done)
    assert all_in.wait(timeout_s), answers
    return answers


def letter(uri: str, body: bytes = b"{}", timeout_s: float = 5, **headers: str) -> Letter:
    return Letter(uri, (("Content-Type", "application/json"), *headers.items()), body, timeout_s)


def test_a_letter_is_posted_with_its_headers_over_one_kept_connection(carrier: HttpCarrier) -> None:
    town = Town()
    with town.open() as uri:
        for number in range(3):
            (answer,) = carried(carrier, letter(uri, b'{"n":%d}' % number, Link="<x>"))
            assert answer == Answer(204)
    head, body = town.got[0].split(b"\r\n\r\n")
    assert body == b'{"n":0}'
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /notify?a=1 HTTP/1.1"
    assert f"Host: 127.0.0.1:{town.port}".encode() in lines
    assert {b"Content-Type: application/json", b"Link: <x>", b"Content-Length: 7"} <= set(lines)
    assert town.connections == 1


def test_many_letters_share_a_few_connections(carrier: HttpCarrier) -> None:
    town = Town(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    with town.open() as uri:
        answers = carried(carrier, *(letter(uri, str(number).encode()) for number in range(500)))
    assert answers == [Answer(200)] * 500
    assert sorted(int(got.split(b"\r\n\r\n")[1]) for got in town.got) == list(range(500))
    assert town.connections <= 32


@pytest.mark.parametrize(
    ("answer", "closes", "status"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", False, 404),
        (b"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", False, 307),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", True, 200),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", True, 200),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", False, 200),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n", False, 201),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n" + b"x" * 90_000, False, 200),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", False, 0),
        (b"", True, 0),
    ],
)
def test_answers_are_read_as_they_come(answer: bytes, closes: bool, status: int, carrier: HttpCarrier) -> None:
    town = Town(answer, closes)
    with town.open() as uri:
        first, second = (carried(carrier, letter(uri))[0] for _ in range(2))
    assert (first.status, second.status) == (status, status)
    assert bool(first.error) is (status == 0)


def test_a_receiver_that_keeps_silent_is_given_up(carrier: HttpCarrier) -> None:
    town = Town(mute=True)
    with town.open() as uri:
        (answer,) = carried(carrier, letter(uri, timeout_s=0.1))
    assert answer == Answer(0, "The receiver did not answer in time.")


def test_a_dead_host_fails_its_own_letters_only(carrier: HttpCarrier) -> None:
    with Town().open() as gone:
        pass
    town, silent = Town(), Town(mute=True)
    with town.open() as alive, silent.open() as mute:
        late: list[Answer] = []
        for _ in range(50):
            carrier.carry(letter(mute, timeout_s=30), late.append)
        answers = carried(carrier, *([letter(gone)] * 20), *([letter(alive)] * 20), timeout_s=5)
        end = time.monotonic() + 20
        while len(silent.got) < 32 and time.monotonic() < end:
            time.sleep(0.01)
    assert sorted(answer.status for answer in answers) == [0] * 20 + [204] * 20
    assert len(silent.got) == 32, "one pool holds what waits for a silent host"


def test_what_waits_too_long_for_a_connection_is_given_up() -> None:
    carrier = HttpCarrier(allow_private=True, connections_max=1)
    town = Town(mute=True)
    with town.open() as uri:
        carrier.carry(letter(uri, timeout_s=30), lambda answer: None)
        while not town.got:
            time.sleep(0.01)
        (answer,) = carried(carrier, letter(uri, timeout_s=0.1))
        assert "busy" in str(answer.error)
        carrier.close()


def test_a_connection_that_was_closed_meanwhile_is_opened_again(carrier: HttpCarrier) -> None:
    town = Town(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", closes=True)
    with town.open() as uri:
        for _ in range(5):
            assert carried(carrier, letter(uri)) == [Answer(200)]
            time.sleep(0.01)
    assert len(town.got) == 5


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["8.8.8.8", "127.0.0.1"], []])
def test_private_addresses_are_refused_when_a_name_is_resolved(addresses: list[str]) -> None:
    carrier = HttpCarrier(resolve=lambda host, port: addresses)
    (answer,) = carried(carrier, letter("https://city.example/"))
    carrier.close()
    assert answer.status == 0
    assert "does not resolve to public addresses" in str(answer.error)


@pytest.mark.parametrize("bad", [letter("http:///x"), letter("http://a/", evil="a\r\nb: c"), letter("http://a:99999/")])
def test_letters_that_cannot_be_written_are_answered_with_the_reason(bad: Letter, carrier: HttpCarrier) -> None:
    (answer,) = carried(carrier, bad)
    assert answer.status == 0
    assert answer.error


def test_heads_name_the_host_as_the_address_does() -> None:
    key, head = request_head("https://[2606:4700::1111]:8443/a")
    assert key == ("https", "2606:4700::1111", 8443)
    assert b"Host: [2606:4700::1111]:8443\r\n" in head
