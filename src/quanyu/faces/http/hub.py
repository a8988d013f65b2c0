"""What the HTTP face asks of the hub: no more than this, so that tests can hand in less than a whole city."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from quanyu.engines.access.view import AccessView
from quanyu.engines.cases.shift_view import ShiftsView
from quanyu.engines.notify.subscriptions_view import SubscriptionsView
from quanyu.engines.notify.view import NotifyView
from quanyu.kernel.bpmn import Layout
from quanyu.kernel.declare import City
from quanyu.kernel.journal import Command, Instant, Receipt, Record
from quanyu.kernel.view import Filter, Views

if TYPE_CHECKING:
    from quanyu.assembly.changing import Changes
    from quanyu.assembly.commanding import Emergency, Incidents
    from quanyu.assembly.devices import Devices
    from quanyu.assembly.warnings import Warnings


class Clock(Protocol):
    """City time."""

    @property
    def speed(self) -> float:
        """City seconds per machine second."""
        ...

    def now(self) -> Instant:
        """Return city time."""
        ...


class StoredFile(Protocol):
    """What is known of a stored file."""

    @property
    def sha256(self) -> str:
        """Its name."""
        ...

    @property
    def type(self) -> str:
        """Its media type, judged by content."""
        ...


class Files(Protocol):
    """Files of a home."""

    def put(self, content: bytes) -> StoredFile:
        """Judge, re-encode and store a file durably."""
        ...

    def get(self, name: str) -> bytes:
        """Return a file's content; Missing when it is not there."""
        ...

    def kind(self, name: str) -> str:
        """Return a file's media type, judged by content; Missing when it is not there."""
        ...


class Catalogue(Protocol):
    """What the packs declare, as JSON-ready documents in the shapes of the API."""

    def types(self) -> Sequence[Mapping[str, Any]]:
        """Return entity types: {type, title, attributes: [{name, unit, unit_symbol, title, kind}]}."""
        ...

    def layers(self) -> Sequence[Mapping[str, Any]]:
        """Return map layers."""
        ...

    def flows(self) -> Sequence[Mapping[str, Any]]:
        """Return case flows with their steps."""
        ...

    def picture(self, digest: str) -> Layout | None:
        """Return where the drawing that a flow came as places everything."""
        ...

    def rules(self) -> Sequence[Mapping[str, Any]]:
        """Return rules with their condition as source text."""
        ...

    def parameters(self) -> Sequence[Mapping[str, Any]]:
        """Return every dated row of every parameter."""
        ...

    def in_force(self, parameter: str, at: Instant) -> Mapping[str, Any] | None:
        """Return the row of a parameter that holds in this city; None where there is none."""
        ...

    def services(self) -> Mapping[str, Any]:
        """Return what people may apply for: {lives, stages, services}."""
        ...

    def outlines(self) -> Mapping[str, Any]:
        """Return the districts as a GeoJSON FeatureCollection."""
        ...


class Hub(Protocol):
    """The hub as this face sees it (assembly's Hub is one)."""

    @property
    def city(self) -> City: ...  # noqa: D102

    @property
    def clock(self) -> Clock: ...  # noqa: D102

    @property
    def machine(self) -> Callable[[], Instant]: ...  # noqa: D102

    @property
    def views(self) -> Views: ...  # noqa: D102

    @property
    def access(self) -> AccessView: ...  # noqa: D102

    @property
    def shifts(self) -> ShiftsView: ...  # noqa: D102

    @property
    def webhooks(self) -> NotifyView: ...  # noqa: D102

    @property
    def subscriptions(self) -> SubscriptionsView: ...  # noqa: D102

    @property
    def catalogue(self) -> Catalogue: ...  # noqa: D102

    @property
    def files(self) -> Files: ...  # noqa: D102

    @property
    def devices(self) -> Devices: ...  # noqa: D102

    @property
    def changes(self) -> Changes: ...  # noqa: D102

    @property
    def incidents(self) -> Incidents: ...  # noqa: D102

    @property
    def emergency(self) -> Emergency: ...  # noqa: D102

    @property
    def warnings(self) -> Warnings: ...  # noqa: D102

    @property
    def simulated(self) -> bool: ...  # noqa: D102

    @property
    def seed(self) -> int | None: ...  # noqa: D102

    @property
    def last_seq(self) -> int: ...  # noqa: D102

    async def commit(
        self, commands: Sequence[Command], actor: str, *, key: str | None = None, atomic: bool = True
    ) -> Receipt:
        """Commit commands; returns when durable."""
        ...

    def heard(self) -> AsyncIterator[Sequence[Record]]:
        """Yield every committed group from now on."""
        ...

    def journal_read(self, after: int, limit: int, kinds: Collection[str] | None = None) -> list[Record]:
        """Return records with seq > after, in order."""
        ...

    def sealed(self, document: dict[str, Any], seqs: Iterable[int]) -> dict[str, Any]:
        """Return a document with digests of records (`seals`) and its own `checksum`."""
        ...

    def health(self) -> dict[str, Any]:
        """Return what an operator looks at first."""
        ...


def entity_counts(hub: Hub, scope: Filter) -> dict[str, int]:
    """Return how many entities of each type the actor may see."""
    counted: Callable[[Filter], Iterable[tuple[str, int]]] = hub.views.entities.types  # type: ignore[attr-defined]
    return dict(counted(scope))
