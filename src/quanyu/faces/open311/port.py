"""What this face needs of a hub."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from quanyu.kernel.declare import City
from quanyu.kernel.journal import Command, Instant, Receipt
from quanyu.kernel.view import Views


class Ticking(Protocol):
    """City time."""

    def now(self) -> Instant:
        """Return the present instant."""
        ...


class Doorkeeper(Protocol):
    """Who holds a token."""

    def actor_for_token(self, token: str, now: Instant) -> Any:
        """Return the actor of a token, None for one that is not valid."""
        ...

    def check(self, actor: Any, action: str, subject: str = "") -> None:
        """Raise Denied when the actor may not."""
        ...


class KeptFile(Protocol):
    """A stored file, as far as a record names it."""

    @property
    def sha256(self) -> str:
        """Digest, and name."""
        ...

    @property
    def type(self) -> str:
        """Media type, judged by content."""
        ...


class PhotoStore(Protocol):
    """Files of the home."""

    def put(self, content: bytes) -> KeptFile:
        """Judge, re-encode and store; Invalid says why not."""
        ...


class CityHub(Protocol):
    """The hub as a stranger's program meets it."""

    @property
    def city(self) -> City: ...  # noqa: D102

    @property
    def clock(self) -> Ticking: ...  # noqa: D102

    @property
    def machine(self) -> Callable[[], Instant]: ...  # noqa: D102

    @property
    def views(self) -> Views: ...  # noqa: D102

    @property
    def access(self) -> Doorkeeper: ...  # noqa: D102

    @property
    def files(self) -> PhotoStore: ...  # noqa: D102

    @property
    def packs(self) -> Sequence[Any]: ...  # noqa: D102

    @property
    def url(self) -> str | None: ...  # noqa: D102

    async def commit(
        self, commands: Sequence[Command], actor: str, *, key: str | None = None, atomic: bool = True
    ) -> Receipt:
        """Commit; durable when it returns."""
        ...
