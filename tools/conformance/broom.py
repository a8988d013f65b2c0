"""Robot Framework listener: after every file deletes through the API what its cases left behind.

It runs in the suite's environment and knows nothing but NGSI-LD.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote

ROBOT_LISTENER_API_VERSION = 3
ROUNDS = 20
CORE_REL = 'rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'


class broom:  # noqa: N801 (a listener is named as its file)
    """`url`: of the API; `contexts`: where the suite's contexts are served."""

    ROBOT_LISTENER_API_VERSION = 3

    def __init__(self, *words: str) -> None:
        self._url, self._contexts = _urls(":".join(words))

    def end_suite(self, data: Any, result: Any) -> None:
        """Clean up after a file."""
        if data.tests:
            self._sweep()

    def _sweep(self) -> None:
        for kind in ("subscriptions", "csourceSubscriptions"):
            for item in self._list(f"{kind}?limit=1000"):
                self._call("DELETE", f"{kind}/{quote(item['id'], safe='')}")
        for item in self._list("csourceRegistrations?type=*&limit=1000"):
            self._call("DELETE", f"csourceRegistrations/{quote(item['id'], safe='')}")
        while True:
            ids = [item["id"] for item in self._list("entities?local=true&pick=id&limit=1000")]
            if not ids or self._call("POST", "entityOperations/delete", ids) is None:
                break
        for times in ("observedAt", "modifiedAt"):
            always = f"timerel=after&timeAt=1970-01-01T00:00:00Z&timeproperty={times}"
            for _ in range(ROUNDS):  # an answer may be a part of the range (6.3.10)
                items = self._list(f"temporal/entities?local=true&{always}&lastN=1&limit=1000")
                for item in items:
                    self._call("DELETE", f"temporal/entities/{quote(item['id'], safe='')}")
                if not items:
                    break

    def _list(self, path: str) -> list[dict[str, Any]]:
        found = self._call("GET", path)
        return found if isinstance(found, list) else []

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(f"{self._url}/{path}", method=method)  # noqa: S310
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
                content = answer.read()
                return json.loads(content) if content else True
        except (urllib.error.URLError, OSError, ValueError):
            return None


def _urls(text: str) -> tuple[str, str]:
    """Return the two URLs of a listener argument, whose colons split it."""
    first, _, second = text.partition("http://")[2].partition("http://")
    return "http://" + first.rstrip(":"), "http://" + second
