"""What this face needs of a hub: less than a hub is, so that it can be read in one sitting."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from quanyu.assembly.applications import Applications
from quanyu.engines.access.view import AccessView
from quanyu.kernel.declare import City
from quanyu.kernel.form import Forms
from quanyu.kernel.journal import Command, Instant, Receipt
from quanyu.kernel.time import OfficialCalendar
from quanyu.kernel.view import Alike, CaseQuery, Entities, Filter, Page


class Matters(Protocol):
    """The cases view with its one question for citizens."""

    def find(self, id: str, scope: Filter) -> dict[str, Any] | None:
        """Return the folded case."""
        ...

    def query(self, query: CaseQuery, scope: Filter) -> Page:
        """Return case summaries."""
        ...

    def count(self, query: CaseQuery, scope: Filter) -> int:
        """Return how many cases match."""
        ...

    def own(self, query: CaseQuery, scope: Filter) -> Page:
        """Return summaries with what each case waits for from those whose it is."""
        ...

    def citizen(self, number: str, code: str) -> str | None:
        """Return the actor that an access code opens (`citizen:<number>`), compared in constant time."""
        ...


class Vitals(Protocol):
    """The indicators view, as far as the public sees it."""

    def current(self) -> list[dict[str, Any]]:
        """Return the latest value of every declared indicator."""
        ...


class PublicViews(Protocol):
    """What may be read here."""

    @property
    def entities(self) -> Entities:
        """What is."""
        ...

    @property
    def cases(self) -> Matters:
        """What is being done."""
        ...

    @property
    def alike(self) -> Alike | None:
        """Which reports may be about one matter."""
        ...

    @property
    def indicators(self) -> Vitals:
        """How well."""
        ...


class PublicWarnings(Protocol):
    """Warnings as everybody may read them: published ones that are no exercise."""

    def in_force(self) -> list[dict[str, Any]]:
        """Return what people are to act by now, the worst first."""
        ...

    def public(self, key: str) -> dict[str, Any]:
        """Return one published warning; Missing for all others."""
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

    def get(self, name: str) -> bytes:
        """Return the content; Missing when it is not there."""
        ...


class Ticking(Protocol):
    """City time."""

    def now(self) -> Instant:
        """Return the present instant."""
        ...


class CityHub(Protocol):
    """The hub as citizens meet it."""

    @property
    def home(self) -> Path:
        """Where the key of signed form fields is kept."""
        ...

    @property
    def city(self) -> City:
        """Names, districts, units."""
        ...

    @property
    def clock(self) -> Ticking:
        """City time: ages of values, promises."""
        ...

    @property
    def views(self) -> PublicViews:
        """What may be read."""
        ...

    @property
    def access(self) -> AccessView:
        """Sessions of officers: a clerk fills in at the counter and by telephone."""
        ...

    @property
    def applications(self) -> Applications:
        """Drafts, and the subjects of a demo city."""
        ...

    @property
    def calendar(self) -> OfficialCalendar:
        """Which days are worked: an office that is closed today says when it opens."""
        ...

    @property
    def forms(self) -> Forms:
        """The forms in force."""
        ...

    @property
    def files(self) -> PhotoStore:
        """Photos."""
        ...

    @property
    def packs(self) -> Sequence[Any]:
        """Loaded packs: one of them takes reports."""
        ...

    @property
    def warnings(self) -> PublicWarnings:
        """What people are to act by now."""
        ...

    @property
    def simulated(self) -> bool:
        """Whether this is a simulated city: every page says so."""
        ...

    def machine(self) -> Instant:
        """Machine time: rate limits and the age of forms."""
        ...

    async def commit(
        self, commands: Sequence[Command], actor: str, *, key: str | None = None, atomic: bool = True
    ) -> Receipt:
        """Commit; durable when it returns."""
        ...
