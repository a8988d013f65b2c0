"""Serves the suite's @context files from this machine, so that a run needs no network."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMPOUND = "ngsi-ld-test-suite-compound.jsonld"
REMOTE = re.compile(r"""https?://[^\s"'<>]*?/resources/jsonld-contexts/(?=[\w.-]+\.jsonld)""")
"""Where the suite's files say that its contexts are."""
OLDER = re.compile(r"""https?://[^\s"'<>]*?/ngsildTestSuite[\w.]*-compound\.jsonld""")
"""Where its compound context once was; some files still say so."""
ELSEWHERE = {
    "https://fiware.github.io/data-models/context.jsonld": '{"@context": {}}',
    "https://fiware.github.io/NGSI-LD_TestSuite/ldContext/testContext.jsonld": '{"@context": {}}',
}
"""Contexts of others that the suite names, and what stands in for them: its cases ask nothing of what is in them."""


def write_map(home: Path) -> None:
    """Give a hub the contexts of others as files, by the map of its home."""
    folder = home / "contexts"
    folder.mkdir(parents=True)
    rows = []
    for number, (url, text) in enumerate(ELSEWHERE.items()):
        (folder / f"{number}.jsonld").write_text(text, encoding="utf-8")
        rows.append(f'"{url}" = "{number}.jsonld"\n')
    (folder / "map.toml").write_text("".join(rows), encoding="utf-8")


def local(text: str, base_url: str) -> str:
    """Return a text that asks for the suite's contexts here."""
    return OLDER.sub(f"{base_url}/{COMPOUND}", REMOTE.sub(f"{base_url}/", text))


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve the folder's contexts while inside; yields the base URL."""
    texts = {f"/{path.name}": path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.jsonld"))}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = texts.get(self.path)
            content = b"" if text is None else local(text, base_url).encode()
            self.send_response(404 if text is None else 200)
            self.send_header("Content-Type", "application/ld+json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    base_url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield base_url
    finally:
        server.shutdown()
        server.server_close()
