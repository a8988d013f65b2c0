"""Read views: what engines publish to one another and to the faces. Reading never writes; writing goes by `commit`.

Every view method that faces call takes a `Filter` from `access.scope`; engines and simulations pass `EVERYTHING`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol

import msgspec

from quanyu.kernel.entity import Document
from quanyu.kernel.form import Held
from quanyu.kernel.journal import Instant
from quanyu.kernel.likeness import Weights
from quanyu.kernel.ngsi.geo import GeoQuery
from quanyu.kernel.ngsi.order import Order
from quanyu.kernel.ngsi.q import Q
from quanyu.kernel.ngsi.scope import ScopeQ
from quanyu.kernel.ngsi.selection import Types


class Filter(msgspec.Struct, frozen=True):
    """What an actor may see: None means no limit, an empty set means nothing.

    `units` and `places` limit cases (own unit's, own district's), `types` entities; `masked` attributes are left out;
    `person` sees what that person reported, `subjects` what those persons or firms applied for, were offered or given.
    A row passes when it passes every limit that is set.
    """

    actor: str = ""
    units: frozenset[str] | None = None
    places: frozenset[str] | None = None
    types: frozenset[str] | None = None
    masked: frozenset[str] = frozenset()
    person: str | None = None
    subjects: frozenset[str] | None = None


class Grant(msgspec.Struct, frozen=True):
    """A role that a person holds; no unit or no district means that the role is not limited to one."""

    role: str
    unit: str | None = None
    district: str | None = None


EVERYTHING = Filter(actor="system:view")
NOTHING = Filter(units=frozenset(), places=frozenset(), types=frozenset())


class Query(msgspec.Struct, frozen=True):
    """Entities by type, scope, place and attribute conditions; `after` is the cursor that the page before returned.

    `where`: (attribute, operator, value) with operators == != < <= > >=. `box`: west, south, east, north in degrees.
    `near`: longitude, latitude, metres. `polygon`: GeoJSON Polygon or MultiPolygon.
    """

    type: str | None = None
    scope: str | None = None
    where: tuple[tuple[str, str, Any], ...] = ()
    box: tuple[float, float, float, float] | None = None
    near: tuple[float, float, float] | None = None
    polygon: Mapping[str, Any] | None = None
    ids: tuple[str, ...] | None = None
    limit: int = 100
    after: str | None = None


class Selection(msgspec.Struct, frozen=True):
    """Entities as NGSI-LD selects them (4.9, 4.10, 4.17, 4.19); every part that is given must hold.

    `attrs`: any one of these attributes stands. `after` is the number of the last entity of the page before; `offset`
    skips entities that match. Without `order` entities come as they were made. `sys` lays `createdAt` and `modifiedAt`
    (whole microseconds) into the answers.
    """

    ids: tuple[str, ...] | None = None
    id_pattern: str | None = None
    types: Types | None = None
    attrs: tuple[str, ...] = ()
    q: Q | None = None
    geo: GeoQuery | None = None
    scope_q: ScopeQ | None = None
    limit: int = 20
    after: int = 0
    offset: int = 0
    order: Order | None = None
    sys: bool = False


class TypeFound(msgspec.Struct, frozen=True):
    """A type that stands: how many entities have it, and its attributes with the kinds they come in."""

    type: str
    count: int
    attributes: Mapping[str, tuple[str, ...]]


class AttributeFound(msgspec.Struct, frozen=True):
    """An attribute that stands: how many entities have it, the kinds it comes in, and the types that have it."""

    attribute: str
    count: int
    kinds: tuple[str, ...]
    types: tuple[str, ...]


class Page(msgspec.Struct, frozen=True):
    """Items of one page, the key of the next (None: last page), and how many there are in all when counted."""

    items: Sequence[Any]
    after: str | None = None
    total: int | None = None


class Entities(Protocol):
    """Published by context: what is. What an actor may not see neither shows nor selects anything."""

    def find(self, id: str, scope: Filter, sys: bool = False) -> Document | None:
        """Return the entity with its last values laid over it; `sys` lays in when it came and changed."""
        ...

    def json(self, id: str, scope: Filter) -> bytes | None:
        """Return an entity as JSON in its normalized form, or None where that depends on the moment or the actor."""
        ...

    def still(self) -> AbstractContextManager[None]:
        """Let this thread see one moment of the entities that it asks for as JSON: many of them at once cost less."""
        ...

    def stated(self, ids: Sequence[str]) -> dict[str, Document]:
        """Return, by id, entities without what is observed of them, for whoever hears that anyway.

        An attribute may be there of which the first value was observed a moment ago: nobody waits for last values.
        """
        ...

    def select(self, selection: Selection, scope: Filter) -> Page:
        """Return one page of entities; `after` is the number to go on from.

        Raises Invalid `query.too_many` when too many entities would have to be looked at.
        """
        ...

    def tally(self, selection: Selection, scope: Filter) -> int:
        """Return how many entities are selected, whatever the page; raises as `select` does."""
        ...

    def discover_types(self, scope: Filter) -> list[TypeFound]:
        """Return the types that stand, by name."""
        ...

    def discover_attributes(self, scope: Filter) -> list[AttributeFound]:
        """Return the attributes that stand, by name."""
        ...

    def query(self, query: Query, scope: Filter) -> Page:
        """Return matching entities in the order in which they were made, last values laid over them."""
        ...

    def count(self, query: Query, scope: Filter) -> int:
        """Return how many entities match, whatever the page."""
        ...

    def last(self, entity: str, attribute: str) -> tuple[Any, Instant] | None:
        """Return the last value of a telemetry attribute and when it was observed."""
        ...


class Series(msgspec.Struct, frozen=True):
    """A series or buckets of it: instants and values of equal length; a bucket without data holds None."""

    entity: str
    attribute: str
    at: Sequence[Instant]
    value: Sequence[float | None]
    unit: str | None = None
    provenance: str | None = None


Fold = Literal["mean", "min", "max", "sum", "count"]


class History(Protocol):
    """Published by history: what was. Times are event times, half-open [start, end)."""

    def series(self, entity: str, attribute: str, start: Instant, end: Instant, limit: int = 100_000) -> Series:
        """Return raw values in time order, the hot tail included."""
        ...

    def buckets(
        self, entities: Sequence[str], attribute: str, start: Instant, end: Instant, width_us: int, fold: Fold = "mean"
    ) -> list[Series]:
        """Return one bucketed series per entity, with gaps as None; buckets start at `start`."""
        ...

    def fold(
        self, attribute: str, start: Instant, end: Instant, fold: Fold, groups: Mapping[str, str]
    ) -> dict[str, tuple[float, int]]:
        """Fold an attribute by group (entity → place): group → (value, number of observations)."""
        ...


class CaseQuery(msgspec.Struct, frozen=True):
    """Cases by state, list, place and text. `list`: open, mine, returned, waiting, overdue, unanswered, closed, all.

    `role`: whose turn it is at one of its branches. `sort`: due (time left first), opened (newest first). `after` is the
    cursor that the page before returned. `kind` may name several, with commas between them.
    """

    list: str = "open"
    kind: str | None = None
    flow: str | None = None
    state: str | None = None
    unit: str | None = None
    role: str | None = None
    place: str | None = None
    asset: str | None = None
    category: str | None = None
    text: str | None = None
    historical: bool | None = None
    opened_from: Instant | None = None
    opened_to: Instant | None = None
    box: tuple[float, float, float, float] | None = None
    sort: str = "due"
    limit: int = 50
    after: str | None = None


class Cases(Protocol):
    """Published by cases: what is being done. A case is a plain dict; its shape is in engines/cases."""

    def find(self, id: str, scope: Filter) -> dict[str, Any] | None:
        """Return the folded case with its actions, next actions and clock."""
        ...

    def query(self, query: CaseQuery, scope: Filter) -> Page:
        """Return case summaries."""
        ...

    def own(self, query: CaseQuery, scope: Filter) -> Page:
        """Return summaries with what each case is to its subjects, and what it waits for from them."""
        ...

    def count(self, query: CaseQuery, scope: Filter) -> int:
        """Return how many cases match, whatever the page."""
        ...

    def facts(self, start: Instant, end: Instant, data: bool = False) -> Iterable[dict[str, Any]]:
        """Return one flat row per case opened or closed in [start, end): what indicators fold over.

        With `data` the fields that the case keeps stand in it too, as `data_<field>`.
        """
        ...

    def find_flow(self, digest: str) -> dict[str, Any] | None:
        """Return the definition that the journal keeps under a hash: what cases pin."""
        ...

    def process(
        self, flow: str, start: Instant, end: Instant, scope: Filter, step: str | None = None
    ) -> dict[str, Any]:
        """Return what the steps of a flow cost in cases opened in [start, end), and those cases without a step.

        Days are stretches of 24 hours. Raises Missing `process.step` for a step at which no such case stood.
        """
        ...

    def moves(self, query: CaseQuery, to: str, places: Mapping[str, str], scope: Filter) -> Page:
        """Return where another version of their flow would put cases, and why some cannot go."""
        ...


class Sketch(msgspec.Struct, frozen=True, kw_only=True):
    """A report that is being written, as far as it goes: flow and words, and where it is."""

    flow: str
    text: str = ""
    category: str | None = None
    lon: float | None = None
    lat: float | None = None
    district: str | None = None
    address: str = ""


class Alike(Protocol):
    """Published by cases: which reports may be about one matter. An item is {case, score, away_m, why: {zh, en}}."""

    def near(
        self, sketch: Sketch, scope: Filter, weights: Weights | None = None, least: float = 0.3
    ) -> list[dict[str, Any]]:
        """Return open cases that may be what a report tells, best first; `weights` widen or narrow the search."""
        ...

    def of(self, id: str, scope: Filter) -> dict[str, Any]:
        """Return what may be the same as a case, what was suggested, and the outbreak that it belongs to."""
        ...

    def suggestions(self, scope: Filter, after: str | None, limit: int) -> Page:
        """Return pairs {case, other, score, why} that somebody should judge, newest first."""
        ...


class Indicators(Protocol):
    """Published by indicators: how well."""

    def current(self) -> list[dict[str, Any]]:
        """Return the latest value of every declared indicator."""
        ...

    def find(self, id: str) -> dict[str, Any] | None:
        """Return one indicator with its formula, measures, pinned parameters and trend."""
        ...


class Registers(Protocol):
    """Published by registers: what departments hold of persons and firms."""

    def held(self, subject: str, elements: Collection[str]) -> dict[str, Held]:
        """Return what is held of a proven subject by element; the caller writes the reading down."""
        ...

    def shelf(self, subject: str) -> list[dict[str, Any]]:
        """Return which registers hold what of a subject, as of when and from where: no values."""
        ...


class Views(msgspec.Struct, frozen=True):
    """Everything that may be read, handed out by assembly."""

    entities: Entities
    history: History
    cases: Cases
    indicators: Indicators
    alike: Alike | None = None
    """A tenant's home and a bare one have none: nobody reports there."""
    registers: Registers | None = None
    """A tenant's home and a bare one have none: nobody applies there."""
