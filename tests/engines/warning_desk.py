"""A writer with the engine of warnings alone, and a draft that passes every check."""

from __future__ import annotations

import random
from array import array
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest

from quanyu.adapters.sqlite import warnings as sqlite_warnings
from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.adapters.sqlite.warnings import SqliteWarnings
from quanyu.assembly.core import CoreEngine
from quanyu.assembly.packs import load_city, load_packs
from quanyu.assembly.warnings import law_of
from quanyu.assembly.writer import Call, Writer
from quanyu.engines.warnings.engine import WarningsEngine
from quanyu.engines.warnings.reach import CODES, bitmaps
from quanyu.engines.warnings.store import CityWarning, id_of, warning_of
from quanyu.kernel.errors import QuanyuError
from quanyu.kernel.journal import Command, Engine, Receipt, Record
from quanyu.kernel.time import parse_instant
from quanyu.kernel.warning import Draft, Target, filled

NOON = parse_instant("2026-07-01T12:00:00+08:00")
SECOND = 1_000_000
HOUR = 3600 * SECOND
LAW = law_of(load_packs(), load_city("beijing"))
RING = ((116.2, 39.9), (116.4, 39.9), (116.4, 40.1), (116.2, 39.9))


def a_draft(**fields: Any) -> Draft:
    """A rainstorm warning, filled in from its template."""
    draft = Draft(
        event="rainstorm",
        colour="orange",
        starts=NOON,
        expires=NOON + 6 * HOUR,
        target=Target(zh="海淀区", en="Haidian", polygons=(RING,)),
        issuer="emergency.duty",
        channels=("speakers",),
    )
    draft = msgspec.structs.replace(draft, **fields)
    template = LAW.find_template("rainstorm", "orange")
    assert template is not None
    return msgspec.structs.replace(draft, texts=filled(template, draft, LAW)) if "texts" not in fields else draft


class WarningDesk:
    """Sends commands one by one; `at` is the clock, a second later with each command."""

    def __init__(self, home: Path) -> None:
        self.engine = WarningsEngine(LAW)
        engines: list[Engine] = [CoreEngine(), self.engine]
        tables = [table for engine in engines for table in engine.tables]
        self.store = SqliteStore(home / "quanyu.db", tables, [sqlite_warnings.SCHEMA])
        self.store.set_durable(False)
        self.at = NOON
        self.writer = Writer(self.store, engines, lambda: self.at, lambda: self.at, random.Random(1))
        self.rows = SqliteWarnings(self.store.connection)
        self.made: list[Record] = []

    def send(
        self, kind: str, subject: str, body: Mapping[str, Any] | None = None, actor: str = "person:author"
    ) -> tuple[Record, ...]:
        """Commit a command and return the records that it made; raises what refused it."""
        self.at += SECOND
        (result,), _ = self.writer.process([Call([Command(kind, subject, dict(body or {}), "reported")], actor)])
        if not isinstance(result, Receipt):
            raise result
        self.made += result.outcomes[0].made
        return result.outcomes[0].made

    def channel(self, id: str = "speakers", mode: str = "actual", count: int = 10, **more: Any) -> None:
        """Put a channel with terminals."""
        self.send(
            "warning_channel.put", id, {"mode": mode, "kind": "loudspeaker", "zh": id, "en": id} | more, "person:e"
        )
        terminals = [{"id": f"{id}-{n}", "lon": 116.3, "lat": 40.0, "district": "110108"} for n in range(count)]
        self.send("warning_terminal.put", id, {"terminals": terminals}, "person:e")

    def drafted(self, key: str = "one", **fields: Any) -> str:
        """Draft a warning; return its id."""
        self.send("warning.draft", id_of(key), {"draft": msgspec.to_builtins(a_draft(**fields))})
        return id_of(key)

    def submitted(self, key: str = "one", **fields: Any) -> str:
        """Draft and submit."""
        id = self.drafted(key, **fields)
        self.send("warning.submit", id, {"revision": 1})
        return id

    def approved(self, key: str = "one", **fields: Any) -> str:
        """Draft, submit, approve."""
        id = self.submitted(key, **fields)
        self.send("warning.approve", id, {"revision": 1}, "person:second")
        return id

    def published(self, key: str = "one", count: int = 10, **fields: Any) -> str:
        """Draft, submit, approve, publish to the first terminals of every channel."""
        id = self.approved(key, **fields)
        targets = {channel: bitmaps(range(count)) for channel in self.get(id).draft.channels}
        self.send("warning.publish", id, {"revision": 1, "targets": targets})
        return id

    def get(self, id: str) -> CityWarning:
        """Return a warning that must stand."""
        row = self.rows.find(id.rpartition(":")[2])
        assert row is not None
        return warning_of(row)


@contextmanager
def warning_desk() -> Iterator[WarningDesk]:
    """A desk with one actual channel and one of exercises."""
    with TemporaryDirectory() as folder:
        desk = WarningDesk(Path(folder))
        try:
            desk.channel()
            desk.channel("drill", "exercise")
            yield desk
        finally:
            desk.store.close()


def refused(desk: WarningDesk, kind: str, id: str, body: Any = None, actor: str = "person:author") -> QuanyuError:
    """Send what must be refused, and see that it left no trace."""
    before = desk.writer.head
    with pytest.raises(QuanyuError) as caught:
        desk.send(kind, id, body, actor)
    assert desk.writer.head == before
    return caught.value


def heard(*pairs: tuple[int, str], channel: str = "speakers") -> dict[str, Any]:
    """Receipts as a command carries them."""
    numbers, states = [each[0] for each in pairs], bytes(CODES[each[1]] for each in pairs)
    return {"channel": channel, "numbers": array("I", numbers).tobytes(), "states": states}
