"""Downloads of contexts: the map, the files, the network within its bounds, and addresses that nobody may reach."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from quanyu.adapters.http import contexts as module
from quanyu.adapters.http.contexts import WebContexts
from quanyu.adapters.http.post import resolved
from quanyu.kernel.errors import Invalid, Unavailable

CITY = {"@context": {"heat": "https://city.example/ns/heat"}}
CONTENT = msgspec.json.encode(CITY)
NO_HEADERS: Mapping[str, str] = {}


class Site:
    """A web server on a loopback port; `pages` maps paths to what is done with a request."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.server = server
        self.port = server.server_port
        self.asked: list[tuple[str, str | None]] = []
        self.pages: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def page(self, path: str, content: bytes, status: int = 200, headers: Mapping[str, str] = NO_HEADERS) -> str:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(content)

        self.pages[path] = answer
        return self.url(path)

    def moves(self, path: str, to: str, status: int = 302) -> str:
        return self.page(path, b"", status, {"Location": to})


@pytest.fixture
def site() -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append((self.path, self.headers["Host"]))
            page = found.pages.get(self.path)
            if page is None:
                self.send_error(404)
            else:
                page(self)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found = Site(server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


@contextmanager
def refused(code: str, *words: str) -> Iterator[None]:
    with pytest.raises((Unavailable, Invalid)) as caught:
        yield
    assert caught.value.code == code
    assert caught.value.where
    assert caught.value.remedy
    assert all(word in caught.value.message for word in words), caught.value.message


def web(folder: Path, **rest: Any) -> WebContexts:
    return WebContexts(folder, **{"allow_private": True, **rest})


# -- what is had ----------------------------------------------------------------------------------------------------------


def test_a_context_is_downloaded_once_and_stays_over_a_restart(tmp_path: Path, site: Site) -> None:
    url = site.page("/city.jsonld?v=1", msgspec.json.encode({**CITY, "beside": "dropped"}))
    first = web(tmp_path)
    assert first.fetch(url) == CITY
    assert first.fetch(url)["@context"] == CITY["@context"]
    assert web(tmp_path).fetch(url)["@context"] == CITY["@context"]
    assert site.asked == [("/city.jsonld?v=1", f"127.0.0.1:{site.port}")]
    assert list(web(tmp_path).kept()) == [url]


def test_a_reload_replaces_and_a_failed_one_leaves_what_stood(tmp_path: Path, site: Site) -> None:
    url = site.page("/city.jsonld", CONTENT)
    contexts = web(tmp_path)
    contexts.fetch(url)
    site.page("/city.jsonld", b'{"@context": {}}')
    contexts.reload(url)
    assert contexts.fetch(url) == {"@context": {}}
    site.page("/city.jsonld", b"", 503)
    with refused("context.unavailable", "503"):
        contexts.reload(url)
    assert contexts.fetch(url) == {"@context": {}}
    assert contexts.forget(url)
    assert not contexts.forget(url)
    with refused("context.unavailable"):
        contexts.fetch(url)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_moved_context_is_followed(tmp_path: Path, site: Site, status: int) -> None:
    site.page("/there/city.jsonld", CONTENT)
    url = site.moves("/here", "there/city.jsonld", status)
    assert web(tmp_path).fetch(url) == CITY
    assert list(web(tmp_path).kept()) == [url]


def test_the_map_asks_no_network(tmp_path: Path) -> None:
    (tmp_path / "city.jsonld").write_bytes(CONTENT)
    (tmp_path / "all" / "deep").mkdir(parents=True)
    (tmp_path / "all" / "deep" / "x.jsonld").write_bytes(b'{"@context": {"x": "https://x.example/"}}')
    (tmp_path / "map.toml").write_text(
        '"https://contexts.example/one.jsonld" = "city.jsonld"\n"https://contexts.example/" = "all"\n'
    )

    def nobody(host: str, port: int) -> list[str]:
        raise AssertionError(f"{host} was looked up")

    contexts = web(tmp_path, resolve=nobody)
    assert contexts.fetch("https://contexts.example/one.jsonld") == CITY
    assert contexts.fetch("https://contexts.example/deep/x.jsonld?v=2") == {"@context": {"x": "https://x.example/"}}
    for escape in (
        "../city.jsonld",
        "deep/../../city.jsonld",
        "",
        "/etc/passwd",
        "%2e%2e/city.jsonld",
        "deep//x.jsonld",
    ):
        with refused("context.unavailable", "map"):
            contexts.fetch(f"https://contexts.example/{escape}")
    with refused("context.unavailable", "map"):
        contexts.fetch("https://contexts.example/absent.jsonld")


def test_a_changed_file_of_the_map_is_seen(tmp_path: Path) -> None:
    (tmp_path / "city.jsonld").write_bytes(CONTENT)
    (tmp_path / "map.toml").write_text('"https://contexts.example/one.jsonld" = "city.jsonld"\n')
    contexts = web(tmp_path)
    contexts.fetch("https://contexts.example/one.jsonld")
    (tmp_path / "city.jsonld").write_bytes(b'{"@context": {}}')
    assert contexts.fetch("https://contexts.example/one.jsonld") == {"@context": {}}


@pytest.mark.parametrize("text", ["not toml", '"https://a.example/x" = 7', '"file:///etc/passwd" = "x"', '"/x" = "y"'])
def test_a_broken_map_stops_the_start(tmp_path: Path, text: str) -> None:
    (tmp_path / "map.toml").write_text(text)
    with refused("context.map"):
        web(tmp_path)


# -- who may not be asked ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "[::1]", "localhost", "169.254.169.254", "10.0.0.1", "192.168.1.1", "172.16.0.1", "0.0.0.0", "[fe80::1]",
     "[fd00::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "100.64.0.1", "224.0.0.1", "2130706433", "0x7f000001"],
)  # fmt: skip
def test_private_addresses_are_not_asked(tmp_path: Path, site: Site, host: str) -> None:
    site.page("/city.jsonld", CONTENT)
    with refused("context.unavailable", "public"):
        WebContexts(tmp_path).fetch(site.url("/city.jsonld", host))
    assert site.asked == []


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["::1"], []])
def test_a_name_with_one_private_address_is_not_asked(tmp_path: Path, site: Site, addresses: list[str]) -> None:
    site.page("/city.jsonld", CONTENT)
    contexts = WebContexts(tmp_path, resolve=lambda host, port: addresses)
    with refused("context.unavailable", "public.example"):
        contexts.fetch(site.url("/city.jsonld", "public.example"))
    assert site.asked == []


def test_a_name_is_resolved_once_and_connected_to_by_address(
    tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.page("/city.jsonld", CONTENT)
    monkeypatch.setattr(module, "public", lambda address: address == "127.0.0.1")
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    contexts = WebContexts(tmp_path, resolve=lambda host, port: next(answers))
    url = site.url("/city.jsonld", "rebinding.example")
    assert contexts.fetch(url) == CITY
    assert site.asked == [("/city.jsonld", f"rebinding.example:{site.port}")]
    with refused("context.unavailable", "public"):
        contexts.reload(url)


@pytest.mark.parametrize(
    "to",
    ["http://10.0.0.1/x", "http://[::1]/x", "http://169.254.169.254/latest/meta-data", "file:///etc/passwd", "ftp://a.example/",
     "//localhost/x", "http://user:word@127.0.0.1/x", "data:application/json,{}"],
)  # fmt: skip
def test_a_redirect_is_judged_again(tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch, to: str) -> None:
    monkeypatch.setattr(module, "public", lambda address: address == "127.0.0.1")
    looked_up: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        looked_up.append(host)
        return ["127.0.0.1"] if host == "public.example" else ["10.0.0.1"]

    site.moves("/here", to)
    with refused("context.unavailable"):
        WebContexts(tmp_path, resolve=resolve).fetch(site.url("/here", "public.example"))
    assert site.asked == [("/here", f"public.example:{site.port}")]


def test_https_does_not_move_to_http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contexts = web(tmp_path)
    monkeypatch.setattr(contexts, "_get", lambda url, deadline: (302, "http://contexts.example/x", b""))
    with refused("context.unavailable", "https"):
        contexts.fetch("https://contexts.example/x")


# -- bounds ------------------------------------------------------------------------------------------------------------


def test_redirects_end(tmp_path: Path, site: Site) -> None:
    url = site.moves("/round", "/round")
    with refused("context.unavailable", "moved"):
        web(tmp_path).fetch(url)
    assert len(site.asked) == module.REDIRECTS_MAX + 1


@pytest.mark.parametrize("status", [204, 304, 401, 404, 500])
def test_no_answer_but_200_is_a_context(tmp_path: Path, site: Site, status: int) -> None:
    with refused("context.unavailable", str(status)):
        web(tmp_path).fetch(site.page("/x", b"", status))


def test_a_redirect_to_nowhere(tmp_path: Path, site: Site) -> None:
    with refused("context.unavailable", "302"):
        web(tmp_path).fetch(site.page("/x", b"", 302))


@pytest.mark.parametrize("content", [b"", b"not json", b"[]", b"7", b'{"note": "no context"}', b"[" * 100_000])
def test_what_is_downloaded_must_be_a_context(tmp_path: Path, site: Site, content: bytes) -> None:
    contexts = web(tmp_path)
    with refused("context.invalid"):
        contexts.fetch(site.page("/x", content))
    assert contexts.kept() == {}


def test_a_large_answer_is_not_read_to_its_end(tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DOCUMENT_BYTES_MAX", 1_000)
    with refused("context.unavailable", "1000 bytes"):
        web(tmp_path).fetch(site.page("/x", b" " * 100_000 + CONTENT))
    (tmp_path / "map.toml").write_text('"https://contexts.example/x" = "x"\n')
    (tmp_path / "x").write_bytes(b" " * 2_000)
    with refused("context.unavailable", "1000 bytes"):
        web(tmp_path).fetch("https://contexts.example/x")


def test_an_answer_that_is_cut_off(tmp_path: Path, site: Site) -> None:
    url = site.page("/x", CONTENT, 200, {"Content-Length": str(len(CONTENT) + 10)})
    with refused("context.unavailable"):
        web(tmp_path).fetch(url)


def test_a_server_that_drips_is_left_at_the_deadline(tmp_path: Path, site: Site) -> None:
    done = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not done.wait(0.02):
            try:
                handler.wfile.write(b" ")
            except OSError:
                return

    site.pages["/slow"] = drip
    began = time.monotonic()
    with refused("context.unavailable", "longer"):
        web(tmp_path, timeout_s=0.2).fetch(site.url("/slow"))
    done.set()
    assert time.monotonic() - began < 5


def test_only_so_many_downloads_at_once(tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE_MAX", 1)
    contexts = web(tmp_path)
    inside, go_on = threading.Event(), threading.Event()

    def waits(handler: BaseHTTPRequestHandler) -> None:
        inside.set()
        go_on.wait(5)
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(CONTENT)

    site.pages["/waits"] = waits
    first = threading.Thread(target=contexts.fetch, args=[site.url("/waits")])
    first.start()
    assert inside.wait(5)
    with refused("context.unavailable", "under way"):
        contexts.fetch(site.url("/other"))
    go_on.set()
    first.join()
    site.page("/other", CONTENT)
    assert contexts.fetch(site.url("/other")) == CITY


def certificate(folder: Path, name: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def test_a_server_must_prove_its_name(tmp_path: Path, site: Site) -> None:
    path = certificate(tmp_path, "contexts.example")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(path)
    site.server.socket = serving.wrap_socket(site.server.socket, server_side=True)
    site.page("/city.jsonld", CONTENT)
    trusting = ssl.create_default_context(cafile=str(path))

    def fetched(host: str, tls: ssl.SSLContext | None) -> Any:
        contexts = web(tmp_path, resolve=lambda host, port: ["127.0.0.1"])
        contexts._tls = tls
        return contexts.fetch(f"https://{host}:{site.port}/city.jsonld")

    assert fetched("contexts.example", trusting) == CITY
    for host, tls in (("other.example", trusting), ("contexts.example", None)):
        contexts_of_nobody = tmp_path / "cache" / "index.json"
        contexts_of_nobody.unlink(missing_ok=True)
        with refused("context.unavailable", "certificate"):
            fetched(host, tls)


def test_a_handshake_that_never_ends(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with refused("context.unavailable"):
            web(tmp_path, timeout_s=0.2).fetch(f"https://127.0.0.1:{silent.getsockname()[1]}/x")
        assert time.monotonic() - began < 5


def test_nobody_listens(tmp_path: Path) -> None:
    with refused("context.unavailable"):
        web(tmp_path, timeout_s=1).fetch("http://127.0.0.1:1/x")
    with refused("context.unavailable"):
        web(tmp_path, resolve=lambda host, port: resolved("no-such-name.invalid", port)).fetch("http://a.example/x")


def test_a_shelf_that_cannot_be_written_keeps_nothing_on_disk_and_stops_nobody(tmp_path: Path, site: Site) -> None:
    (tmp_path / "cache").write_text("in the way")
    url = site.page("/x", CONTENT)
    assert web(tmp_path).fetch(url) == CITY
    assert web(tmp_path).kept() == {}
