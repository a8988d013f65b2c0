"""Who made an entity is found by the entity, or by its deletion: the past is the same as where every record is described."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quanyu.engines.history.tables import DESCRIBED
from quanyu.kernel.entity import UNTOLD
from quanyu.kernel.temporal import TemporalQuery
from quanyu.kernel.view import EVERYTHING
from tests.engines.chronicle import Chronicle, number
from tests.engines.past import MINUTE_US, MORNING

IDS = [f"urn:ngsi-ld:Vehicle:{n}" for n in range(2)]
VALUES: list[dict[str, Any]] = [
    {"type": "Property", "value": "red"},
    {"type": "Property", "value": 4},
    {"type": "Relationship", "object": IDS[0]},
    number(50, "11:00:00"),
    {**number(60, "11:30:00"), "value": "fast"},
]
ATTRIBUTES = st.dictionaries(st.sampled_from(["speed", "colour"]), st.sampled_from(VALUES), max_size=2)
SCOPE = st.sampled_from([None, "/a", "/b"])
ID = st.sampled_from(IDS)
STEP = st.one_of(
    st.tuples(st.just("write"), st.tuples(ID, ATTRIBUTES, SCOPE, st.booleans())),
    st.tuples(st.just("merge"), st.tuples(ID, ATTRIBUTES, SCOPE)),
    st.tuples(st.just("delete"), ID),
    st.tuples(st.just("delete"), ID),
    st.tuples(st.just("forget"), ID),
    st.tuples(st.just("feed"), st.integers(1, 3)),
    st.tuples(st.just("flush"), st.none()),
    st.tuples(st.just("restart"), st.none()),
)


class Twins:
    """One past finds who made an entity by the entity; in the other every kept record is described and read at once.

    `told` also has entities of earlier days, of whose making the deletion does not tell.
    """

    def __init__(self, home: Path) -> None:
        self.told, self.plain = Chronicle(home / "told"), Chronicle(home / "plain")

    def write(self, what: tuple[str, dict[str, Any], str | None, bool]) -> None:
        """Make an entity, or put another document in its place."""
        id, attributes, scope, early = what
        document = {"id": id, "type": "Vehicle", **({"scope": scope} if scope else {}), **attributes}
        stood = self.plain.standing.documents.get(id)
        for past in (self.told, self.plain):
            past.standing.documents[id] = document
            if stood is None:
                body = {"n": 1, "document": document}
                past.write("entity.created", id, body | {UNTOLD: True} if early or past is self.plain else body)
            else:
                gone = [name for name in stood if name not in document and name != "scope"]
                past.write("entity.replaced", id, {"n": 1, "document": document, "gone": gone})

    def merge(self, what: tuple[str, dict[str, Any], str | None]) -> None:
        id, patch, scope = what
        document = self.plain.standing.documents.get(id)
        if document is None:
            return
        document = {**document, **patch, **({"scope": scope} if scope else {})}
        head = {"head": {"scope": scope}} if scope else {}
        for past in (self.told, self.plain):
            past.standing.documents[id] = document
            past.write("entity.merged", id, {"n": 1, "type": "Vehicle", "patch": patch, "added": [], **head})

    def delete(self, id: str) -> None:
        if id not in self.plain.standing.documents:
            return
        for past in (self.told, self.plain):
            past.write("entity.deleted", id, {"n": 1, "type": "Vehicle"})
            del past.standing.documents[id]

    def forget(self, id: str) -> None:
        for past in (self.told, self.plain):
            past.tell("history.forget", id, {"stands": True})

    def feed(self, batch: int) -> None:
        self.told.feed(batch)

    def flush(self, _: None) -> None:
        self.told.flush()

    def restart(self, _: None) -> None:
        self.told.again()

    def check(self) -> None:
        self.plain.feed()
        assert answers(self.told) == answers(self.plain)


def answers(past: Chronicle) -> list[Any]:
    """What temporal queries show of untimed values, scopes and deletions, in all of time and in a part of it."""
    middle = {
        "timed": True,
        "start": MORNING + 3 * MINUTE_US,
        "end": MORNING + 7 * MINUTE_US,
    }
    queries = [
        TemporalQuery(sys=True),
        TemporalQuery(last=2),
        TemporalQuery(attrs=("colour",), pick=("colour",)),
        TemporalQuery(attrs=("scope",)),
        *(
            TemporalQuery(time_property=name, sys=True, **more)  # type: ignore[arg-type]
            for name in ("createdAt", "modifiedAt", "deletedAt")
            for more in ({}, middle)
        ),
    ]
    found: list[Any] = [past.view.find(id, query, EVERYTHING) for id in IDS for query in queries]
    # In order of id: those that do not stand any more come as they were deleted, or by id where that was read.
    everywhere = TemporalQuery(timed=True, start=0, sys=True, descending=False)
    gone = TemporalQuery(time_property="deletedAt", descending=False)
    found += [past.view.query(query, EVERYTHING) for query in (everywhere, gone)]
    return found + [past.view.stands(id, EVERYTHING) for id in IDS]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEP, min_size=2, max_size=14))
def test_the_past_is_that_of_described_records(steps: list[tuple[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as home:
        twins = Twins(Path(home))
        for word, argument in steps:
            act: Callable[[Any], None] = getattr(twins, word)
            act(argument)
        twins.check()
        twins.feed(2)
        twins.check()
        twins.flush(None)
        twins.check()
        twins.restart(None)
        twins.check()
        twins.told.cursor = 0
        twins.told.kept.clear()
        twins.restart(None)
        twins.feed(9)
        twins.flush(None)
        twins.check()


def test_only_a_deletion_describes_who_made_the_entity(tmp_path: Path) -> None:
    past, id = Chronicle(tmp_path / "lake"), IDS[0]
    document = {"id": id, "type": "Vehicle", "scope": "/a", "colour": VALUES[0]}
    made = past.write("entity.created", id, {"n": 1, "document": document})
    past.feed()
    past.flush()
    assert past.rows(DESCRIBED) == []
    assert [dict(side.described) for side in past.reader.told_ahead()] == [{}, {}, {}]
    deleted = past.write("entity.deleted", id, {"n": 1, "type": "Vehicle"})
    assert past.reader.told_ahead()[2].described[id] == [(deleted.seq, deleted.seq), (deleted.seq, made.seq)]
    past.feed()
    past.flush()
    assert sorted(row[1:] for row in past.rows(DESCRIBED)) == [(made.seq, made.at, 3), (deleted.seq, deleted.at, 6)]
