"""The port to stored cases: counts that agree with pages, long histories, short words, facts and timers."""

from __future__ import annotations

import pytest

from quanyu.adapters.sqlite import cases as sqlite_cases
from quanyu.engines.cases.store import LISTS, Viewer
from quanyu.engines.cases.tables import PAGE_ENTRIES, TEXT, id_of, serial_of
from quanyu.engines.cases.views import CasesView
from quanyu.kernel.journal import Command
from quanyu.kernel.view import EVERYTHING, CaseQuery, Filter, Grant
from tests.engines.casework import DAY, HOUR, MINUTE, MORNING, PEOPLE, CaseDesk
from tests.ports.casebook import Make, ids, view_of

GRANTS: list[tuple[Grant, ...]] = [
    (),
    *(tuple(grants) for grants in PEOPLE.values()),
    (Grant("handler"),),
    (Grant("handler", None, "110105"),),
    (Grant("handler", "ecology.enforcement", "110105"), Grant("duty")),
    (Grant("duty", "centre", "110105"), Grant("duty", None, "110116"), Grant("dispatcher")),
    (Grant("supervisor"), Grant("check", "ecology.supervision")),
]
SCOPES = [
    EVERYTHING,
    Filter(places=frozenset({"110105"})),
    Filter(places=frozenset()),
    Filter(units=frozenset({"ecology.enforcement"})),
    Filter(units=frozenset({"ecology.supervision"}), places=frozenset({"110116", "110105"})),
]


def busy_city() -> CaseDesk:
    """Cases at every step, in two districts and in none, some claimed, suspended, late, returned or historical."""
    desk = CaseDesk()
    for place in ({"district": "110105"}, {"district": "110116"}, {}):
        for walk in (desk.open, desk.to_inspect, desk.to_close, desk.closed):
            walk(place=place)
            desk.at += MINUTE
    desk.act(desk.to_inspect(), "handler", "claim")
    desk.act(desk.to_inspect(), "handler", "return", note="不属我单位")
    desk.act(desk.to_inspect(), "handler", "pause", fields={"ground": "weather"})
    merged, into = desk.open(), desk.open()
    desk.act(merged, "duty", "merge", fields={"into": into}, note="同源")
    desk.find()
    desk.find(**{"as": "history", "from": MORNING - 40 * DAY, "to": MORNING - DAY})
    desk.at += 2 * DAY
    desk.wake()
    desk.at += 2 * HOUR
    desk.open()
    return desk


@pytest.mark.parametrize("limits", SCOPES)
def test_a_count_is_the_length_of_all_pages_together(stored: Make, limits: Filter) -> None:
    desk = busy_city()
    desk.at += 4 * DAY
    store = stored(desk)
    for grants in GRANTS:
        viewer = Viewer(desk.at, "person:handler", grants)
        for name in LISTS:
            seen: list[int] = []
            after = None
            while True:
                page = store.query(CaseQuery(list=name, limit=3, after=after), limits, viewer)
                seen += [each.serial for each in page.items]
                after = page.after
                if after is None:
                    break
            whole = [each.serial for each in store.query(CaseQuery(list=name), limits, viewer).items]
            assert seen == whole, (name, grants)
            assert len(set(seen)) == len(seen)
            assert store.count(CaseQuery(list=name), limits, viewer) == len(seen), (name, grants)


def test_a_work_list_is_what_the_same_list_under_a_filter_says(stored: Make) -> None:
    """One's turn is found along an index, the same list with a word besides by looking at every case."""
    desk = busy_city()
    store = stored(desk)
    for grants in GRANTS:
        viewer = Viewer(desk.at, "person:handler", grants)
        found = store.query(CaseQuery(list="mine"), EVERYTHING, viewer).items
        looked = store.query(CaseQuery(list="mine", text="工地"), EVERYTHING, viewer).items
        ruled = [each.serial for each in found if each not in looked]
        assert [each for each in found if each in looked] == looked
        assert len(ruled) <= 1, "only what a rule found has another text"


def test_counts_follow_cases_that_leave(stored: Make) -> None:
    desk = CaseDesk()
    ids_made = [desk.open() for _ in range(3)]
    store = stored(desk)
    viewer = Viewer(desk.at, "person:duty", (Grant("duty"),))
    assert store.count(CaseQuery(list="mine"), EVERYTHING, viewer) == 3
    desk.act(ids_made[0], "duty", "accept")
    stored(desk)
    assert store.count(CaseQuery(list="mine"), EVERYTHING, viewer) == 2
    desk.state.rows = {}
    stored(desk)
    assert [store.count(CaseQuery(list=name), EVERYTHING, viewer) for name in LISTS] == [0] * len(LISTS)


@pytest.mark.parametrize("count", [PAGE_ENTRIES - 1, PAGE_ENTRIES, 2 * PAGE_ENTRIES + 5])
def test_a_long_history_is_whole_and_in_order(stored: Make, count: int) -> None:
    desk = CaseDesk()
    other = desk.open()
    id = desk.open()
    for number in range(count):
        desk.act(id, "duty", "comment", note=str(number))
        if number % 7 == 0:
            desk.act(other, "duty", "comment", note="x")
    assert desk.replayed().rows == desk.state.rows
    document = view_of(desk, stored(desk)).find(id, EVERYTHING)
    assert document is not None
    lines = document["actions"]
    assert [line["note"] for line in lines] == ["", *map(str, range(count))]
    assert [line["seq"] for line in lines] == [record.seq for record in desk.records if record.subject == id]


def test_history_of_a_historical_case_stands_in_event_time(stored: Make) -> None:
    desk = CaseDesk()
    begun, ended = MORNING - 40 * DAY, MORNING - 39 * DAY
    id = desk.find(**{"as": "history", "from": begun})
    assert id is not None
    desk.find(**{"as": "history", "from": begun, "to": ended})
    desk.act(id, "duty", "comment", note="补录", at=ended + DAY)
    document = view_of(desk, stored(desk)).find(id, EVERYTHING)
    assert document is not None
    assert [(line["action"], line["at"]) for line in document["actions"]] == [
        ("open", begun), ("find", begun), ("comment", ended + DAY),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "word", "found"),
    [
        ("学院路积水", "学", True),
        ("学院路积水", "水", True),
        ("学院路积水", "积水", True),
        ("学院路积水", "水积", False),
        ("Lamp post 7B", "7b", True),
        ("Lamp post 7B", "B", True),
        ("Lamp post 7B", "p7", False),
    ],
)
def test_words_too_short_for_a_trigram_are_found_wherever_they_stand(
    stored: Make, text: str, word: str, found: bool
) -> None:
    desk = CaseDesk()
    id = desk.open(text=text)
    view = view_of(desk, stored(desk))
    assert ids(view, list="all", text=word) == ([id] if found else [])


def test_the_index_of_a_search_keeps_no_second_text(stored: Make) -> None:
    desk = CaseDesk()
    desk.open(text="临时占道经营")
    store = stored(desk)
    assert isinstance(store, sqlite_cases.SqliteCases)
    assert store._rows(f"SELECT count(*) FROM {TEXT.name}") == [(0,)]
    desk.act(desk.open(text="临时占道停车"), "duty", "accept")
    assert len(ids(view_of(desk, stored(desk)), list="all", text="临时占道")) == 2


def test_facts_hold_what_the_five_scores_need(city: tuple[CaseDesk, CasesView, dict[str, str]]) -> None:
    _, view, named = city
    facts = {row["serial"]: row for row in view.facts(MORNING, MORNING + DAY)}
    assert len(facts) == 8, "history was opened earlier"
    row = facts[serial_of(named["closed"])]
    assert row["on_time"] is True
    assert row["handled_on_time"] is True
    assert row["first_dispatch_right"] is True
    assert (row["returns"], row["reworks"], row["reporter_channel"], row["outcome"]) == (0, 0, "console", "fixed")
    assert facts[serial_of(named["new"])]["on_time"] is None
    assert facts[serial_of(named["returned"])]["returns"] == 1
    assert {"kind", "flow", "class", "district", "unit", "historical", "simulated", "closed_at", "due_at"} <= set(row)
    assert list(view.facts(MORNING + DAY, MORNING + 2 * DAY)) == []


def test_timers_come_earliest_first(stored: Make) -> None:
    desk = CaseDesk()
    store = sqlite_cases.SqliteCases
    made = stored(desk)
    assert isinstance(made, store)
    assert made.next_timer() is None
    desk.open()
    desk.at += HOUR
    desk.open()
    stored(desk)
    assert made.next_timer() == desk.timers()[0][0]
    assert made.timers_due(desk.at + HOUR, 1) == [(at, serial_of(id), name) for at, id, name in desk.timers()[:1]]
    assert len(made.timers_due(desk.at + HOUR, 9)) == 2


def test_what_a_calendar_edit_may_touch(city: tuple[CaseDesk, CasesView, dict[str, str]]) -> None:
    _, view, named = city
    assert {id_of(serial) for serial, _ in view.open_cases()} == set(named.values()) - {named["closed"]}


def test_text_that_leaves_with_a_case_is_found_no_more(stored: Make) -> None:
    desk = CaseDesk()
    id = desk.open(text="临时占道经营")
    view = view_of(desk, stored(desk))
    assert ids(view, list="all", text="占道经营") == [id]
    desk.state.rows = {}
    stored(desk)
    assert ids(view, list="all", text="占道经营") == []
    desk.run(Command("case.open", "", {"flow": "answer", "text": "占道停车"}), "person:duty")
    stored(desk)
    assert len(ids(view, list="all", text="占道")) == 1


def test_a_viewer_without_grants_has_no_turn(stored: Make) -> None:
    desk = CaseDesk()
    desk.open()
    store = stored(desk)
    assert store.count(CaseQuery(list="mine"), EVERYTHING, Viewer(desk.at, "person:x")) == 0
    assert store.count(CaseQuery(list="returned"), EVERYTHING, Viewer(desk.at, "person:x")) == 0
