"""The port to stored cases: lists, search, pages and filters, on every adapter."""

from __future__ import annotations

from typing import Any

import pytest

from quanyu.engines.cases.store import LISTS
from quanyu.engines.cases.tables import id_of, serial_of
from quanyu.engines.cases.views import CasesView
from quanyu.kernel.errors import Invalid
from quanyu.kernel.time import parse_instant
from quanyu.kernel.view import EVERYTHING, NOTHING, CaseQuery, Filter
from tests.engines.casework import DAY, HOUR, MORNING, PHOTOS, CaseDesk
from tests.ports.casebook import Make, ids, scope, view_of


def test_each_list_holds_what_it_says(city: tuple[CaseDesk, CasesView, dict[str, str]]) -> None:
    _, view, named = city

    def listed(wanted: str, who: str) -> set[str]:
        return {name for name, id in named.items() if id in set(ids(view, scope(who), list=wanted))}

    expected = {
        ("open", "duty"): {"new", "inspect", "returned", "checked", "found", "history", "citizen"},
        ("mine", "duty"): {"new", "checked", "found"},
        ("mine", "dispatcher"): {"returned"},
        ("mine", "handler"): {"inspect"},
        ("mine", "clerk"): {"citizen"},
        ("mine", "far"): set(),
        ("returned", "handler"): {"returned"},
        ("returned", "dispatcher"): {"returned"},
        ("returned", "street"): set(),
        ("waiting", "chief"): {"waiting"},
        ("overdue", "chief"): set(),
        ("closed", "duty"): {"closed"},
        ("all", "auditor"): set(named),
    }
    for (wanted, who), cases in expected.items():
        assert listed(wanted, who) == cases, (wanted, who)
        assert view.count(CaseQuery(list=wanted), scope(who)) == len(cases)


def test_the_counts_of_an_actors_lists(city: tuple[CaseDesk, CasesView, dict[str, str]]) -> None:
    _, view, _ = city
    assert view.lists(scope("handler")) == {
        "open": 7, "mine": 1, "returned": 1, "waiting": 1, "overdue": 0, "closed": 1, "all": 9,
        "approvals": 0, "unanswered": 0, "bank": 1, "calendar": 0,
    }  # fmt: skip
    assert set(view.lists(NOTHING).values()) == {0}


def test_what_is_overdue_depends_on_the_hour(city: tuple[CaseDesk, CasesView, dict[str, str]]) -> None:
    desk, view, named = city
    desk.at += 9 * DAY
    late = ids(view, list="overdue")
    assert set(late) == set(named.values()) - {named["closed"], named["waiting"], named["history"]}
    assert ids(view, list="overdue", historical=True) == [named["history"]]


def test_the_calendar_keeper_sees_what_has_no_date(stored: Make) -> None:
    desk = CaseDesk(at=parse_instant("2026-12-29T09:00:00+08:00"))
    id = desk.open()
    desk.open("person:clerk", flow="answer")
    view = view_of(desk, stored(desk))
    assert ids(view, list="calendar") == [id]
    document = view.find(id, EVERYTHING)
    assert document is not None
    assert (document["clock"], document["due_known"], document["latest_certain_day"]) == (
        "unknown",
        False,
        "2026-12-31",
    )
    assert document["next"], "the hub's own views see every action"


def test_a_claimed_case_is_the_persons_own(stored: Make) -> None:
    desk = CaseDesk()
    id = desk.to_inspect()
    desk.act(id, "handler", "claim")
    view = view_of(desk, stored(desk))
    assert ids(view, scope("handler"), list="mine") == [id]
    assert ids(view, scope("handler2"), list="mine") == []


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"kind": "consultation"}, {"citizen"}),
        ({"flow": "answer"}, {"citizen"}),
        ({"state": "suspended"}, {"waiting"}),
        ({"unit": "ecology.enforcement"}, {"inspect", "waiting"}),
        ({"unit": "ecology.enforcement", "state": "open"}, {"inspect"}),
        ({"place": "110116"}, {"waiting"}),
        ({"place": "G1"}, {"new"}),
        ({"asset": "urn:ngsi-ld:AirQualityObserved:dongsi"}, {"found", "history"}),
        ({"historical": True}, {"history"}),
        ({"opened_from": MORNING - 50 * DAY, "opened_to": MORNING}, {"history"}),
        ({"box": (116.45, 39.8, 116.6, 40.0)}, {"new"}),
        ({"text": "施工噪声"}, {"inspect"}),
        ({"text": "噪声"}, {"inspect"}),
        ({"text": "桥"}, set()),
        ({"text": "井盖 建国路"}, {"new"}),
        ({"text": "井盖缺失 怀柔"}, set()),
        ({"text": "雁栖大街"}, {"waiting"}),
        ({"text": "20260302-2"}, {"inspect"}),
        ({"text": "heavy PARTICLES"}, {"found", "history"}),
        ({"text": '井盖" OR "'}, set()),
        ({"text": "%"}, set()),
        ({"kind": "ghost,consultation"}, {"citizen"}),
    ],
)
def test_questions_and_search(
    city: tuple[CaseDesk, CasesView, dict[str, str]], query: dict[str, Any], names: set[str]
) -> None:
    _, view, named = city
    found = ids(view, list="all", **query)
    assert {name for name, id in named.items() if id in found} == names
    assert view.count(CaseQuery(list="all", **query), EVERYTHING) == len(names)
    assert ids(view, NOTHING, list="all", **query) == []
    assert view.count(CaseQuery(list="all", **query), NOTHING) == 0


def test_a_filter_is_in_every_answer(city: tuple[CaseDesk, CasesView, dict[str, str]]) -> None:
    _, view, named = city
    citizen = named["citizen"].rpartition(":")[2]
    for limit, names in (
        (Filter(units=frozenset({"ecology.enforcement"})), {"inspect", "returned", "waiting", "checked", "closed"}),
        (Filter(units=frozenset({"ecology.supervision"})), {"inspect", "returned", "waiting", "checked", "closed"}),
        (Filter(units=frozenset({"streets.chaoyang"})), set()),
        (Filter(places=frozenset({"110116"})), {"waiting"}),
        (Filter(units=frozenset({"ecology.enforcement"}), places=frozenset({"110116"})), {"waiting"}),
        (Filter(person=f"citizen:{citizen}"), {"citizen"}),
        (Filter(person="citizen:x"), set()),
    ):
        assert {name for name, id in named.items() if id in ids(view, limit, list="all")} == names
        for name in LISTS:
            seen = ids(view, limit, list=name)
            assert set(seen) <= {named[each] for each in names}
            assert view.count(CaseQuery(list=name), limit) == len(seen)
        for name, id in named.items():
            assert (view.find(id, limit) is not None) == (name in names)
            assert view.next_actions(id, limit) == [] or name in names


def test_masked_fields_are_left_out_and_cannot_be_searched(city: tuple[CaseDesk, CasesView, dict[str, str]]) -> None:
    _, view, named = city
    masked = Filter(masked=frozenset({"text", "reporter"}))
    document = view.find(named["new"], masked)
    assert document is not None
    assert not {"text", "reporter"} & set(document)
    assert ids(view, masked, list="all", text="井盖") == []
    assert view.count(CaseQuery(list="all", text="井盖"), masked) == 0


@pytest.mark.parametrize("sort", ["due", "opened"])
def test_pages_hold_every_case_once_in_order(stored: Make, sort: str) -> None:
    desk = CaseDesk()
    for number in range(23):
        desk.at += HOUR * (number % 3)
        desk.open(text=str(number))
    stopped = desk.to_inspect()
    desk.act(stopped, "handler", "pause", fields={"ground": "weather"})
    view = view_of(desk, stored(desk))
    seen: list[dict[str, Any]] = []
    after = None
    while True:
        page = view.query(CaseQuery(list="open", sort=sort, limit=5, after=after), EVERYTHING)
        seen += page.items
        after = page.after
        if after is None:
            break
    assert len({item["id"] for item in seen}) == len(seen) == 24
    if sort == "due":
        assert seen[-1]["id"] == stopped, "a standing clock comes last"
        assert [item["due_at"] for item in seen[:-1]] == sorted(item["due_at"] for item in seen[:-1])
    else:
        opened = [item["opened_at"] for item in seen]
        assert opened == sorted(opened, reverse=True)


@pytest.mark.parametrize("after", ["due:1:x", "opened:1:2", "x", "due:1"])
def test_a_cursor_of_another_list_is_refused(stored: Make, after: str) -> None:
    desk = CaseDesk()
    with pytest.raises(Invalid) as refused:
        ids(view_of(desk, stored(desk)), list="open", after=after)
    assert refused.value.code == "query.cursor"


@pytest.mark.parametrize("query", [{"list": "x"}, {"sort": "x"}, {"limit": 0}, {"state": "x"}, {"text": "x" * 201}])
def test_a_question_that_means_nothing_is_refused(stored: Make, query: dict[str, Any]) -> None:
    desk = CaseDesk()
    with pytest.raises(Invalid) as refused:
        ids(view_of(desk, stored(desk)), **query)
    assert (refused.value.code, refused.value.where) == ("query.cases", next(iter(query)))


def test_a_case_is_shown_whole(city: tuple[CaseDesk, CasesView, dict[str, str]]) -> None:
    desk, view, named = city
    document = view.find(named["inspect"], scope("handler"))
    assert document is not None
    assert (document["number"], document["version"], document["state"]) == ("20260302-2", 3, "open")
    assert [(step["name"], step["state"]) for step in document["steps"]] == [
        ("accept", "done"), ("dispatch", "done"), ("inspect", "current"), ("check", "todo"), ("close", "todo"),
    ]  # fmt: skip
    assert document["steps"][0]["by"] == "person:duty"
    assert (document["clock"], document["due_known"], document["unit"]) == ("green", True, "ecology.enforcement")
    assert [entry["action"] for entry in document["actions"]] == ["open", "accept", "dispatch"]
    assert [entry["title"]["zh"] for entry in document["actions"]] == ["登记", "受理", "派遣"]
    assert [option["action"] for option in document["next"]] == [
        "inspect",
        "return",
        "pause",
        "assign",
        "claim",
        "comment",
    ]
    inspect = document["next"][0]
    assert inspect["by"] == "handler"
    assert inspect["evidence"] == [
        {"kind": "photo", "count": 2}, {"kind": "measurement", "count": 1, "attribute": "pm25"},
    ]  # fmt: skip
    pause = document["next"][2]
    assert pause["fields"][0]["choices"] == ["weather"]
    assert document["parameters"][0]["value"] == "3 working days"
    assert view.find(id_of(serial_of("urn:ngsi-ld:Case:20200101-1")), EVERYTHING) is None
    desk.at += 5 * DAY
    late = view.find(named["inspect"], scope("handler"))
    assert late is not None
    assert late["clock"] == "amber"


def test_whoever_inspected_is_not_offered_the_check(stored: Make) -> None:
    desk = CaseDesk()
    id = desk.to_inspect()
    desk.act(id, "both", "inspect", files=PHOTOS, fields={"pm25": 1})
    view = view_of(desk, stored(desk))
    assert "check" not in [option["action"] for option in view.next_actions(id, scope("both"))]
    assert "check" in [option["action"] for option in view.next_actions(id, scope("checker"))]


def test_a_closed_and_a_merged_case_say_so(city: tuple[CaseDesk, CasesView, dict[str, str]], stored: Make) -> None:
    desk, view, named = city
    closed = view.find(named["closed"], EVERYTHING)
    assert closed is not None
    assert closed["outcome"]["title"] == {"zh": "已解决", "en": "Fixed"}
    assert (closed["clock"], closed["step"]) == ("stopped", None)
    desk.act(named["new"], "duty", "merge", fields={"into": named["found"]}, note="同源")
    stored(desk)
    merged = view.find(named["new"], EVERYTHING)
    target = view.find(named["found"], EVERYTHING)
    assert merged is not None
    assert target is not None
    assert (merged["state"], merged["merged_into"], merged["clock"]) == ("closed", named["found"], "stopped")
    assert target["merged"] == [named["new"]]
    assert target["actions"][-1]["fields"] == {"other": serial_of(named["new"])}


def test_findings_are_shown_with_why(city: tuple[CaseDesk, CasesView, dict[str, str]]) -> None:
    _, view, named = city
    document = view.find(named["found"], EVERYTHING)
    assert document is not None
    assert document["findings"][0]["why"] == {"zh": "超过两倍", "en": "Twice the limit"}
    assert document["findings"][0]["to"] is None
    assert (document["finding_count"], document["findings_ended_at"]) == (1, None)


def test_a_citizens_code_opens_one_case(city: tuple[CaseDesk, CasesView, dict[str, str]]) -> None:
    _, view, named = city
    number = named["citizen"].rpartition(":")[2]
    assert view.citizen(number, "abcd2345") == f"citizen:{number}"
    assert view.citizen(number, "ABCD2346") is None
    assert view.citizen(named["new"].rpartition(":")[2], "ABCD2345") is None
    assert view.citizen("x", "ABCD2345") is None
    document = view.find(named["citizen"], Filter(actor=f"citizen:{number}", person=f"citizen:{number}"))
    assert document is not None
    assert [option["action"] for option in document["next"]] == ["confirm", "comment"]
