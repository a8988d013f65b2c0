"""Reads of one entity and of a box among a million, against bare SQL on the same database."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import apsw
import msgspec

from bench.measure import Result, interleaved, result
from quanyu.adapters.sqlite.context import SqliteContext
from quanyu.engines.context.view import ContextView
from quanyu.kernel.journal import Command
from quanyu.kernel.view import EVERYTHING, Query
from tests.hubs import bare_hub

ENTITIES = 1_000_000
BATCH = 20_000
HALF_DEGREES = 0.005  # a box of about 100 of a million spread over one square degree


def station(number: int) -> str:
    """Return an id."""
    return f"urn:ngsi-ld:AirQualityObserved:{number:07d}"


def document(number: int, chance: random.Random) -> dict[str, object]:
    """Return a document of about 500 bytes somewhere in one square degree."""
    point = {"type": "Point", "coordinates": [116 + chance.random(), 39.5 + chance.random()]}
    return {
        "type": "AirQualityObserved",
        "location": {"type": "GeoProperty", "value": point},
        "name": {"type": "Property", "value": f"站点 {number}"},
        **{
            name: {"type": "Property", "value": chance.random() * 300, "unitCode": "GQ"}
            for name in ("a", "b", "c", "d")
        },
    }


def _grow_tree(connection: apsw.Connection) -> None:
    """Make the peer's R*Tree of all places."""
    connection.execute("CREATE VIRTUAL TABLE temp.tree USING rtree (n, west, east, south, north)")
    point = "doc ->> '$.location.value.coordinates[%d]'"
    east, north = point % 0, point % 1
    connection.execute(f"INSERT INTO temp.tree SELECT n, {east}, {east}, {north}, {north} FROM entity")


def million() -> Iterator[Result]:
    """[read.point], [read.box] in a home of a million entities."""
    chance = random.Random(11)
    with tempfile.TemporaryDirectory() as name, bare_hub(Path(name)) as hub:
        for start in range(0, ENTITIES, BATCH):
            rows = range(start, min(ENTITIES, start + BATCH))
            hub.commit_blocking(
                [Command("entity.create", station(n), document(n, chance)) for n in rows], "system:bench"
            )
        connection = hub.store.connection()  # type: ignore[attr-defined]
        view = ContextView(SqliteContext(hub.store.connection))  # type: ignore[attr-defined]
        ids = [station(chance.randrange(ENTITIES)) for _ in range(20_000)]

        def point() -> None:
            for id in ids:
                assert view.find(id, EVERYTHING) is not None

        def bare_point() -> None:
            decode = msgspec.json.decode
            for id in ids:
                row = connection.execute("SELECT doc FROM entity WHERE id = ?", (id,)).fetchone()
                decode(row[0])

        mine, peer = interleaved(point, bare_point)
        yield result("read.point", mine / peer, "ratio", "lower", "bare apsw select and decode",
                     f"{mine / len(ids) * 1e6:.1f} µs CPU of 1,000,000", 2.0)  # fmt: skip
        corners = [(116 + chance.random() * 0.98, 39.5 + chance.random() * 0.98) for _ in range(300)]
        boxes = [(x, y, x + 2 * HALF_DEGREES, y + 2 * HALF_DEGREES) for x, y in corners]
        _grow_tree(connection)
        sql = (
            "SELECT e.id, e.doc FROM temp.tree b CROSS JOIN entity e ON e.n = b.n"
            " WHERE b.west <= ? AND b.east >= ? AND b.south <= ? AND b.north >= ?"
        )
        found: list[int] = []

        def box() -> None:
            found.clear()
            found.extend(len(view.query(Query(box=each, limit=1000), EVERYTHING).items) for each in boxes)

        def bare_box() -> None:
            for west, south, east, north in boxes:
                rows = sorted(connection.execute(sql, (east, west, north, south)))
                [msgspec.json.decode(row[1]) for row in rows]

        mine, peer = interleaved(box, bare_box)
        yield result("read.box", mine / peer, "ratio", "lower", "bare SQL over an R*Tree, sorted and decoded",
                     f"{mine / len(boxes) * 1e6:.0f} µs CPU, {sum(found) / len(found):.0f} a box", 1.5)  # fmt: skip
