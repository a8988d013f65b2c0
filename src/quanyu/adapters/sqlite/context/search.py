"""One search: the cheapest way to the entities that match, each looked at as the actor sees it, within a budget."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, Final

import apsw
import msgspec

from quanyu.adapters.sqlite.context.candidates import Index, Source, box_source, chosen
from quanyu.adapters.sqlite.context.entry import BY_NUMBERS, Entry, Last, document_of, last_of_all, named, visible
from quanyu.adapters.sqlite.context.kinds import Kinds
from quanyu.engines.context.cells import Box
from quanyu.kernel.entity import Document
from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Instant
from quanyu.kernel.ngsi.q import Comparison
from quanyu.kernel.view import Filter

EXAMINED_MAX: Final = 100_000
"""Documents that one search may look at."""
READ_MIN: Final = 32
READ_MAX: Final = 512
"""Entities read at once, from few at first to many: a page may be full soon, and a statement costs as much as a document."""

Hit = tuple[Entry, Document]


class Wanted(msgspec.Struct, frozen=True):
    """What a search is for: `leaves` all hold (of each, one comparison), and `matches` says the last word."""

    kinds: Kinds
    ids: Sequence[str] | None = None
    leaves: Sequence[Sequence[Comparison]] = ()
    box: tuple[Box, str | None] | None = None
    matches: Callable[[Entry, Document], bool] | None = None
    sys: bool = False

    @property
    def only_types(self) -> bool:
        """Whether every entity of the kinds matches."""
        return self.ids is None and not self.leaves and self.box is None and self.matches is None


class Search:
    """Looks for entities on one connection, at one instant, for one actor."""

    caps: Sequence[int] = (500, 10_000)
    """How far an index is read to see whether it is worth it: first every index a little, then further."""
    walked_max = 5_000
    """Documents looked at in order before a large index is read whole instead."""

    def __init__(
        self, connection: apsw.Connection, scope: Filter, now: Instant, examined_max: int = EXAMINED_MAX
    ) -> None:
        self._connection, self._scope, self._now = connection, scope, now
        self._left = self._examined_max = examined_max
        # Of the entities that were read together and not looked at yet.
        self._last: dict[int, list[Last]] = {}

    def hits(self, wanted: Wanted, after: int = 0) -> Iterator[Hit]:
        """Yield matching entities with numbers after `after`, in order; Invalid when too many are looked at."""
        connection, scope, now = self._connection, self._scope, self._now
        kinds, matches, masked, sys = wanted.kinds, wanted.matches, scope.masked, wanted.sys
        chosen_by_type = not kinds.everything or scope.types is not None
        for entry in self._entries(wanted, after):
            self._left -= 1
            if self._left < 0:
                raise too_many(self._examined_max)
            if chosen_by_type and not (kinds.hold(entry[2]) and visible(entry[2], scope)):
                continue
            document = document_of(connection, entry, masked, now, sys, self._last.get(entry[0]))
            if document is not None and (matches is None or matches(entry, document)):
                yield entry, document

    def _entries(self, wanted: Wanted, after: int) -> Iterator[Entry]:
        if wanted.ids is not None:
            return self._named([*dict.fromkeys(wanted.ids)], after)
        index = Index(self._connection, wanted.kinds)
        sources = [index.source(leaf) for leaf in wanted.leaves]
        if wanted.box is not None:
            sources.append(box_source(self._connection, *wanted.box))
        numbers = chosen(sources, self.caps)
        if numbers is not None:
            return self._numbered(n for n in numbers if n > after)
        for leaf in wanted.leaves:
            stream = index.stream(leaf, after)
            if stream is not None:
                return self._numbered(stream)
        return self._walk(wanted.kinds, after, sources)

    def _named(self, ids: Sequence[str], after: int) -> Iterator[Entry]:
        found = [entry for entry in named(self._connection, ids) if entry[0] > after]
        for start in range(0, len(found), READ_MAX):
            entries = found[start : start + READ_MAX]
            self._last = last_of_all(self._connection, entries)
            yield from entries

    def _walk(self, kinds: Kinds, after: int, sources: Sequence[Source]) -> Iterator[Entry]:
        """Walk in order; where that does not lead anywhere soon, read an index whole."""
        for walked, entry in enumerate(kinds.walk(after), 1):
            yield entry
            after = entry[0]
            if sources and walked == self.walked_max:
                break
        else:
            return
        numbers = chosen(sources, [self._examined_max])
        if numbers is not None:
            yield from self._numbered(n for n in numbers if n > after)
        else:
            yield from kinds.walk(after)

    def _numbered(self, numbers: Iterable[int]) -> Iterator[Entry]:
        return chain.from_iterable(self._read(numbers))

    def _read(self, numbers: Iterable[int]) -> Iterator[list[Entry]]:
        execute: Any = self._connection.execute
        left, size = iter(numbers), READ_MIN
        while some := list(islice(left, size)):
            # Read to the end before anything is looked at: a search that stops early leaves no statement open.
            entries = execute(BY_NUMBERS, (str(some),)).fetchall()
            self._last = last_of_all(self._connection, entries)
            yield entries
            size = min(4 * size, READ_MAX)


def too_many(examined: int) -> Invalid:
    """Return the error for a query that would look at too many entities."""
    return Invalid(
        f"The query would look at more than {examined} entities.",
        code="query.too_many",
        where="q",
        remedy="Name types, ids, a smaller area, or a condition on an attribute that fewer entities fulfil.",
    )
