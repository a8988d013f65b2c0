"""Windows as the store is asked for them: with the rows of the tail that they touch, and what was forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from quanyu.engines.history.columns import Codes, Rows
from quanyu.engines.history.engine import HistoryReader
from quanyu.engines.history.store import Window
from quanyu.kernel.journal import Instant


def ask(
    reader: HistoryReader,
    entities: Sequence[str] | None,
    attribute: str | tuple[str, ...] | None,
    start: Instant,
    end: Instant,
    *,
    recorded: bool = False,
) -> tuple[Window, Rows]:
    """Return a window and the rows of the tail in it; the tail is taken before the store is asked."""
    asked = None if entities is None else tuple(dict.fromkeys(entities))
    window = Window(asked, attribute, start, end, recorded)
    rows = _tail(reader, window)
    forgotten = tuple(_forgotten(reader, window))
    return (Window(asked, attribute, start, end, recorded, forgotten) if forgotten else window), rows


def _tail(reader: HistoryReader, window: Window) -> Rows:
    rows = reader.tail_rows()
    chosen = np.ones(len(rows), np.bool_)
    if not window.recorded:
        chosen = (rows.observed_at >= window.start) & (rows.observed_at < window.end)
    for names, codes in ((window.attributes, rows.attribute), (window.entities, rows.entity)):
        if names is not None:
            known = [rows.words.find_code(name) for name in names]
            chosen &= _among(codes, [code for code in known if code is not None], len(rows.words.names))
    return rows.take(chosen)


def _among(codes: Codes, wanted: Sequence[int], size: int) -> NDArray[np.bool_]:
    table = np.zeros(size, np.bool_)
    table[list(wanted)] = True
    return table[codes]


def _forgotten(reader: HistoryReader, window: Window) -> Iterator[tuple[str, str, int]]:
    known = reader.forgotten
    if not known:
        return
    attributes = window.attributes
    for entity in list(known) if window.entities is None else window.entities:
        for (attribute, dataset), upto in known.get(entity, {}).items():
            if dataset in ("", "*") and (not attribute or attributes is None or attribute in attributes):
                yield entity, attribute, upto
