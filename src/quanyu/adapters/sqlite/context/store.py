"""Implements `engines.context.store.ContextStore` over a reading connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final

import apsw

from quanyu.adapters.sqlite.context import discovery, native, selected
from quanyu.adapters.sqlite.context.entry import (
    BY_ID,
    BY_NUMBER,
    JSON_BY_ID,
    JSON_BY_NUMBER,
    Entry,
    document_of,
    json_of,
    named,
    visible,
)
from quanyu.adapters.sqlite.context.kinds import Kinds
from quanyu.adapters.sqlite.context.numbers import Numbers
from quanyu.adapters.sqlite.context.search import EXAMINED_MAX, Hit, Search, Wanted, too_many
from quanyu.adapters.sqlite.store import Reading
from quanyu.engines.context.engine import ContextEngine
from quanyu.engines.context.tables import ENTITY, LAST, OBSERVED
from quanyu.kernel.entity import Document
from quanyu.kernel.journal import Instant, Store
from quanyu.kernel.view import EVERYTHING, AttributeFound, Filter, Query, Selection, TypeFound

LAST_VALUE: Final = (
    "SELECT l.value, l.observed_at FROM entity e JOIN last l ON l.n = e.n AND l.attribute = ? WHERE e.id = ?"
)
NEXT_EXPIRY: Final = "SELECT expires FROM entity WHERE expires IS NOT NULL ORDER BY expires LIMIT 1"
EXPIRED: Final = "SELECT id FROM entity WHERE expires <= ? ORDER BY expires LIMIT ?"
ORDERED_MAX: Final = 10_000
"""Entities that one question may put in order."""
TABLES: Final = frozenset(table.name for table in ContextEngine.tables)


class SqliteContext:
    """Answers from rows. `examined_max`: documents that one question may look at.

    `single` connects for one entity at a time (None: as for everything); `numbers` are hints where they stand.
    """

    def __init__(
        self,
        connect: Callable[[], Reading],
        examined_max: int = EXAMINED_MAX,
        single: Callable[[], Reading] | None = None,
    ) -> None:
        self._connect = connect
        self._single = connect if single is None else single
        self._examined_max = examined_max
        self.numbers = Numbers(connect)

    def _reading(self) -> Reading:
        """Return this thread's connection, on which every row of what was acknowledged can be read."""
        connection = self._connect()
        connection.settle(TABLES)
        return connection

    def _look(self, connection: Reading, id: str, by_number: str, by_id: str) -> Any:
        """Return the row of one entity, which need not wait for the rows of others."""
        store = connection.store
        if not store.waits:
            return self._row(connection, id, by_number, by_id)
        strides = store.strides
        found = self._row(connection, id, by_number, by_id)
        if _lags(store, id, found):
            connection.settle(TABLES)
        elif store.strides == strides:
            return found
        return self._row(connection, id, by_number, by_id)

    def find(self, id: str, scope: Filter = EVERYTHING, now: Instant = 0, sys: bool = False) -> Document | None:
        """Return the entity as the actor sees it."""
        connection = self._connect()
        entry: Entry | None = self._look(connection, id, BY_NUMBER, BY_ID)
        if entry is None or not visible(entry[2], scope):
            return None
        return document_of(connection, entry, scope.masked, now, sys)

    @contextmanager
    def still(self) -> Iterator[None]:
        """Let this thread see one moment of what it reads singly, so that many readings share what one costs.

        Not while rows wait: one that was acknowledged before that moment could be written after it.
        """
        connection = self._single()
        if connection.store.waits:
            yield
            return
        connection.execute("BEGIN")
        try:
            yield
        finally:
            connection.execute("COMMIT")

    def json(self, id: str, scope: Filter) -> bytes | None:
        """Return the entity in its normalized form, unless something expires or may be masked."""
        connection = self._single()
        found = self._look(connection, id, JSON_BY_NUMBER, JSON_BY_ID)
        if found is None:
            return None
        n, kind, json, expires, observed = found
        if expires is not None or not visible(kind, scope):
            return None
        if observed:
            json = json_of(connection, n, json)
        if scope.masked and any(f'"{name}":'.encode() in json for name in scope.masked):
            return None
        return json  # type: ignore[no-any-return]

    def _entry(self, connection: apsw.Connection, id: str) -> Entry | None:
        found: Entry | None = self._row(connection, id, BY_NUMBER, BY_ID)
        return found

    def _row(self, connection: apsw.Connection, id: str, by_number: str, by_id: str) -> Any:
        """Return the row of an entity; its number comes first."""
        numbers = self.numbers
        n = numbers.slots.find(id)
        if n:
            found: Any = connection.execute(by_number, (n, id)).fetchone()
            if found is not None:
                return found
        found = connection.execute(by_id, (id,)).fetchone()
        if found is not None:
            numbers.learn(id, found[0])
        return found

    def stated(self, ids: Sequence[str], now: Instant) -> dict[str, Document]:
        """Return what is written of entities beside what is observed; last values may wait, for none is laid over."""
        connection = self._connect()
        store = connection.store
        waits, strides = bool(store.waits), store.strides
        found = named(connection, ids)
        if waits:
            lags = any(store.lacks(ENTITY, id) for id in ids)
            if lags:
                connection.settle(TABLES)
            if lags or store.strides != strides:
                found = named(connection, ids)
        documents: dict[str, Document] = {}
        for entry in found:
            document = document_of(connection, entry, (), now, last=())
            if document is not None:
                for name in (entry[8] or "").split("\n"):
                    document.pop(name, None)
                documents[entry[1]] = document
        return documents

    def query(self, query: Query, after: int, scope: Filter, now: Instant) -> list[tuple[int, Document]]:
        """Return a page of a query of the native API, each entity with its number."""
        connection = self._reading()
        wanted = native.wanted(connection, query, scope, now)
        hits = Search(connection, scope, now, self._examined_max).hits(wanted, after)
        return [(entry[0], document) for entry, document in islice(hits, query.limit)]

    def count(self, query: Query, scope: Filter, now: Instant) -> int:
        """Return how many entities match a query of the native API."""
        connection = self._reading()
        return self._counted(connection, native.wanted(connection, query, scope, now), scope, now)

    def select(self, selection: Selection, scope: Filter, now: Instant) -> tuple[list[Document], int | None]:
        """Return a page and the number to go on from, None at the end."""
        connection = self._reading()
        wanted = selected.wanted(connection, selection, self._lookup(connection, scope, now), scope, now)
        search = Search(connection, scope, now, self._examined_max)
        if selection.order is not None:
            return self._ordered(connection, search, wanted, selection, scope, now), None
        after, offset = selection.after, selection.offset
        if offset and wanted.only_types and not after:
            after, offset = wanted.kinds.skip(offset), 0
            if after < 0:
                return [], None
        hits = islice(search.hits(wanted, after), offset, offset + selection.limit + 1)
        page: list[Hit] = list(hits)
        more = len(page) > selection.limit
        page = page[: selection.limit]
        return self._shown(connection, page, wanted, selection, scope, now), page[-1][0][0] if more and page else None

    def _ordered(
        self,
        connection: apsw.Connection,
        search: Search,
        wanted: Wanted,
        selection: Selection,
        scope: Filter,
        now: Instant,
    ) -> list[Document]:
        hits = list(islice(search.hits(wanted, selection.after), ORDERED_MAX + 1))
        if len(hits) > ORDERED_MAX:
            raise too_many(ORDERED_MAX)
        assert selection.order is not None
        entries = {document["id"]: entry for entry, document in hits}
        documents = selection.order.sorted(document for _, document in hits)
        page = documents[selection.offset : selection.offset + selection.limit]
        found = [(entries[document["id"]], dict(document)) for document in page]
        return self._shown(connection, found, wanted, selection, scope, now)

    def _shown(
        self,
        connection: apsw.Connection,
        page: list[Hit],
        wanted: Wanted,
        selection: Selection,
        scope: Filter,
        now: Instant,
    ) -> list[Document]:
        """Return the documents of a page, read again without the stamps that only the question needed."""
        if wanted.sys == selection.sys:
            return [document for _, document in page]
        found = (document_of(connection, entry, scope.masked, now, selection.sys) for entry, _ in page)
        return [document for document in found if document is not None]

    def tally(self, selection: Selection, scope: Filter, now: Instant) -> int:
        """Return how many entities are selected."""
        connection = self._reading()
        wanted = selected.wanted(connection, selection, self._lookup(connection, scope, now), scope, now)
        return self._counted(connection, wanted, scope, now)

    def _counted(self, connection: apsw.Connection, wanted: Wanted, scope: Filter, now: Instant) -> int:
        if wanted.only_types:
            return wanted.kinds.count()
        return sum(1 for _ in Search(connection, scope, now, self._examined_max).hits(wanted))

    def _lookup(self, connection: apsw.Connection, scope: Filter, now: Instant) -> Callable[[str], Document | None]:
        def lookup(id: str) -> Document | None:
            entry = self._entry(connection, id)
            if entry is None or not visible(entry[2], scope):
                return None
            return document_of(connection, entry, scope.masked, now)

        return lookup

    def last(self, id: str, attribute: str) -> tuple[Any, Instant] | None:
        """Return the last observed value of an attribute."""
        row = self._reading().execute(LAST_VALUE, (attribute, id)).fetchone()
        return (row[0], row[1]) if row else None

    def types(self, scope: Filter, now: Instant) -> list[tuple[str, int]]:
        """Return the types that stand, each with its number of entities."""
        return discovery.counted_types(Kinds(self._reading(), None, scope.types, now))

    def discover_types(self, scope: Filter, now: Instant) -> list[TypeFound]:
        """Return the types that stand with their attributes."""
        connection = self._reading()
        return discovery.types(connection, Kinds(connection, None, scope.types, now), scope.masked)

    def discover_attributes(self, scope: Filter, now: Instant) -> list[AttributeFound]:
        """Return the attributes that stand with their types."""
        connection = self._reading()
        return discovery.attributes(connection, Kinds(connection, None, scope.types, now), scope.masked)

    def next_expiry(self) -> Instant | None:
        """Return when the first part of any entity expires, as far as rows are written.

        It waits for nothing: who asks may hold what the writer needs.
        """
        row = self._connect().execute(NEXT_EXPIRY).fetchone()
        return row[0] if row else None

    def expired(self, now: Instant, limit: int) -> list[str]:
        """Return ids of entities of which something has expired by now."""
        return [row[0] for row in self._reading().execute(EXPIRED, (now, limit))]


def _lags(store: Store, id: str, found: Any) -> bool:
    """Whether rows of an entity wait, as far as its own row (its number first, what is observed of it last) tells."""
    if store.lacks(ENTITY, id):
        return True
    if found is None:
        return False
    n, names = found[0], found[-1]
    if store.lacks(OBSERVED, n):
        return True
    return names is not None and any(store.lacks(LAST, (n, name)) for name in names.split("\n"))
