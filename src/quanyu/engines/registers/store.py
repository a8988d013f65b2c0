"""The rows of registers: one per subject, what is held of it by register and element; the values lie in the vault."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from quanyu.kernel.journal import Row, State, Table

HELD: Final = Table("held", ("subject TEXT", "doc BLOB"))
TABLES: Final = (HELD,)


class Line(msgspec.Struct, frozen=True, array_like=True):
    """What a register says of one element: the sealed fields it lies in, as of which day, from where, which record."""

    reference: str
    as_of: str
    source: str
    simulated: bool
    seq: int


Shelf = dict[str, dict[str, Line]]
"""Register, then element, to its line: everything that is held of one subject."""

Fetch = Callable[[Table, str], Row | None]
"""Returns a durable row by key, from any thread."""
Reveal = Callable[[str], Mapping[str, str] | None]
"""Opens sealed fields; None once they were erased."""

_encode: Final = msgspec.msgpack.Encoder(order="sorted").encode
_shelves: Final = msgspec.msgpack.Decoder(dict[str, dict[str, Line]])


def shelf_of(row: Row | None) -> Shelf:
    """Return what a row says is held; nothing when there is no row."""
    return {} if row is None else _shelves.decode(row[1])


def find_shelf(state: State, subject: str) -> Shelf:
    """Return what is held of a subject as the writer sees it."""
    return shelf_of(state.get(HELD, subject))


def put_shelf(state: State, subject: str, shelf: Shelf) -> None:
    """Write what is held of a subject; the row goes with the last line."""
    kept = {register: lines for register, lines in shelf.items() if lines}
    if kept:
        state.put(HELD, (subject, _encode(kept)))
    else:
        state.delete(HELD, subject)
