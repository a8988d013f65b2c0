"""Warnings: two persons, one message, the eight fields; updates, cancellations and what expires."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from quanyu.engines.warnings.guarding import WarningTimers
from quanyu.engines.warnings.store import id_of, key_of
from quanyu.kernel.cap import check_alert, read_alert, triple, write_alert
from quanyu.kernel.errors import Invalid
from quanyu.kernel.identifier.warning import parse_warning_id
from quanyu.kernel.warning import Draft, Target, Texts, faults_of, read_law
from tests.engines.warning_desk import HOUR, LAW, NOON, SECOND, WarningDesk, a_draft, refused, warning_desk


@pytest.fixture
def desk() -> Iterator[WarningDesk]:
    with warning_desk() as made:
        yield made


# -- the way of a message -------------------------------------------------------------------------------------------------


def test_a_warning_goes_from_draft_to_people(desk: WarningDesk) -> None:
    """Drafted by one, approved by another, published with its 31 characters, and told to its channel."""
    id = desk.published()
    warning = desk.get(id)
    assert (warning.standing, warning.approved_by, warning.published_by) == (
        "published",
        "person:second",
        "person:author",
    )
    assert len(warning.identifier) == 31
    named = parse_warning_id(warning.identifier)
    assert (named.division, named.sequence) == ("110000", 0)
    assert warning.alert is not None
    assert check_alert(warning.alert, desk.at) == []
    assert read_alert(write_alert(warning.alert, LAW.zone)).infos == warning.alert.infos
    assert [info.severity for info in warning.alert.infos] == ["Severe", "Severe"]
    sent = [record for record in desk.made if record.kind == "warning.sent"]
    assert [(each.body or {})["channel"] for each in sent] == ["speakers"]
    assert warning.reach == {"speakers": 10}


def test_the_author_never_approves(desk: WarningDesk) -> None:
    """Neither who wrote it, nor who wrote at it, nor who submitted it."""
    id = desk.drafted()
    draft = msgspec.to_builtins(a_draft(certainty="Observed"))
    desk.send("warning.edit", id, {"revision": 1, "draft": draft}, "person:editor")
    desk.send("warning.submit", id, {"revision": 2}, "person:submitter")
    for person in ("person:author", "person:editor", "person:submitter"):
        assert refused(desk, "warning.approve", id, {"revision": 2}, person).code == "warning.same_person"
        assert (
            refused(desk, "warning.send_back", id, {"revision": 2, "note": "x"}, person).code == "warning.same_person"
        )
    assert refused(desk, "warning.approve", id, {"revision": 2}, "engine:rules").code == "warning.person"
    desk.send("warning.approve", id, {"revision": 2}, "person:second")


def test_nobody_approves_twice(desk: WarningDesk) -> None:
    """The second approval is refused, by the same person and by a third."""
    id = desk.approved()
    for person in ("person:second", "person:third"):
        assert refused(desk, "warning.approve", id, {"revision": 1}, person).code == "warning.standing"


def test_what_was_approved_is_what_is_published(desk: WarningDesk) -> None:
    """An approved warning cannot be edited; one that was sent back must be approved anew."""
    id = desk.approved()
    draft = msgspec.to_builtins(a_draft())
    assert refused(desk, "warning.edit", id, {"revision": 1, "draft": draft}).code == "warning.standing"
    desk.send("warning.send_back", id, {"revision": 1, "note": "范围有误"}, "person:second")
    assert refused(desk, "warning.publish", id, {"revision": 1}).code == "warning.standing"
    desk.send("warning.edit", id, {"revision": 1, "draft": draft})
    assert refused(desk, "warning.submit", id, {"revision": 1}).code == "warning.revision"
    desk.send("warning.submit", id, {"revision": 2})
    assert refused(desk, "warning.approve", id, {"revision": 1}, "person:second").code == "warning.revision"


def test_sending_back_and_dropping_say_why(desk: WarningDesk) -> None:
    """A reason is written, or nothing happens."""
    id = desk.submitted()
    assert refused(desk, "warning.send_back", id, {"revision": 1}, "person:second").code == "warning.reason"
    desk.send("warning.send_back", id, {"revision": 1, "note": "错字"}, "person:second")
    assert refused(desk, "warning.drop", id, {"revision": 1, "note": " "}).code == "warning.reason"
    desk.send("warning.drop", id, {"revision": 1, "note": "雨带北移"})
    assert desk.get(id).standing == "dropped"


def test_one_that_would_have_expired_is_not_issued(desk: WarningDesk) -> None:
    """Too late to approve, too late to publish."""
    submitted, approved = desk.submitted("a"), desk.approved("b")
    desk.at = NOON + 7 * HOUR
    assert refused(desk, "warning.approve", submitted, {"revision": 1}, "person:second").code == "warning.late"
    assert refused(desk, "warning.publish", approved, {"revision": 1}).code == "warning.late"


def test_ids_and_bodies_are_checked(desk: WarningDesk) -> None:
    """What cannot be a warning is none."""
    body = {"draft": msgspec.to_builtins(a_draft())}
    assert refused(desk, "warning.draft", "a b", body).code == "warning.key"
    assert refused(desk, "warning.draft", id_of("x"), {"draft": {"colour": "pink"}}).code == "warning.body"
    desk.drafted()
    assert refused(desk, "warning.draft", id_of("one"), body).code == "warning.exists"
    assert refused(desk, "warning.submit", id_of("none"), {"revision": 1}).code == "warning.unknown"
    as_person = body | {"as_person": {"id": "person:x"}}
    assert refused(desk, "warning.draft", id_of("y"), as_person).code == "warning.as_person"


def test_ten_messages_in_a_second_and_no_more(desk: WarningDesk) -> None:
    """The id has one digit for them; the eleventh is published a second later."""
    ids = [desk.approved(f"w{number}") for number in range(11)]
    at = desk.at
    for id in ids[:10]:
        desk.at = at
        desk.send("warning.publish", id, {"revision": 1})
    assert len({desk.get(id).identifier for id in ids[:10]}) == 10
    desk.at = at
    assert refused(desk, "warning.publish", ids[10], {"revision": 1}).code == "warning.id_taken"
    desk.send("warning.publish", ids[10], {"revision": 1})


# -- what must be said ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "check"),
    [
        ({"event": ""}, "category"),
        ({"colour": ""}, "level"),
        ({"starts": None}, "start"),
        ({"expires": None}, "expiry"),
        ({"expires": NOON - 1}, "expiry"),
        ({"starts": NOON + 6 * HOUR}, "expiry"),
        ({"target": Target(zh="海淀", en="Haidian")}, "area"),
        ({"target": Target(districts=("110108",))}, "area"),
        ({"target": Target(zh="a", en="a", polygons=(((1.0, 1.0), (2.0, 2.0)),))}, "area.ring"),
        ({"target": Target(zh="a", en="a", polygons=(((200.0, 1.0),) * 4,))}, "area.ring"),
        ({"target": Target(zh="a", en="a", polygons=(((1.0, 1.0),) * 20_001,))}, "area.size"),
        ({"issuer": ""}, "issuer"),
        ({"texts": {}}, "headline"),
        ({"texts": {"zh": Texts("a", "", "b", "c", "d")}}, "notes"),
        ({"texts": {"zh": Texts("a", "b", "", "c", "d")}}, "measures"),
        ({"texts": {"zh": Texts("a", "b", "c", "", "d")}}, "plain"),
        ({"texts": {"zh": Texts("a", "b", "c", "d", "")}}, "voice"),
        ({"channels": ()}, "channels"),
        ({"channels": ("drill",)}, "channels.mode"),
        ({"kind": "Update"}, "replaces"),
        ({"status": "Exercise", "channels": ("drill",)}, "exercise"),
    ],
)
def test_the_eight_fields_and_the_rest_are_asked_for_by_name(
    desk: WarningDesk, fields: dict[str, Any], check: str
) -> None:
    """A draft that lacks something is kept as a draft, and is not handed to the second person."""
    id = desk.drafted(**fields)
    fault = refused(desk, "warning.submit", id, {"revision": 1})
    assert fault.code == "warning.incomplete"
    faults: Any = fault.details["faults"]
    assert check in [each["check"] for each in faults]
    assert all(each["zh"] and each["en"] for each in faults)


def test_cap_checks_are_asked_before_anybody_approves() -> None:
    """What CAP asks beyond its schema is a fault of the draft, too."""
    found = faults_of(a_draft(issuer="emergency.duty"), LAW, NOON, ["speakers"])
    assert found == []


def test_a_table_that_cannot_be_read_names_its_row() -> None:
    """A city's own table with a mistake is refused with table and row."""
    good = {"id": "x", "zh": "x", "en": "x", "of": "natural", "category": "Met", "response": "", "industry": "000",
            "source": "s", "status": "unverified"}  # fmt: skip
    with pytest.raises(Invalid) as caught:
        read_law({"kinds": [good], "colours": [{"id": "red", "level": "first"}]})
    assert (caught.value.code, caught.value.where) == ("warning.table", "colours: red")
    with pytest.raises(Invalid) as caught:
        read_law({"templates": [{"event": "x", "colour": "red", "source": "s", "status": "u"}]})
    assert caught.value.code == "warning.table"


# -- updates, cancellations, expiry ---------------------------------------------------------------------------------------


def test_an_update_takes_the_place_of_what_it_names(desk: WarningDesk) -> None:
    """The chain is kept both ways, and the message refers to all that came before."""
    one = desk.published("one")
    two = desk.published("two", kind="Update", replaces=one, colour="red")
    three = desk.published("three", kind="Update", replaces=two)
    assert [desk.get(each).standing for each in (one, two, three)] == ["superseded", "superseded", "published"]
    assert desk.get(one).ended_by == "two"
    alert = desk.get(three).alert
    assert alert is not None
    named = [triple(each) for each in alert.references]
    assert [each.identifier for each in named if each] == [desk.get(one).identifier, desk.get(two).identifier]
    assert desk.get(one).in_force(desk.at) is False
    assert desk.get(three).in_force(desk.at) is True


def test_a_cancel_lifts_and_is_none_itself(desk: WarningDesk) -> None:
    """Once lifted nothing holds; lifting twice is refused."""
    one = desk.published("one")
    approved = desk.approved("late", kind="Cancel", replaces=one)
    lifted = desk.published("two", kind="Cancel", replaces=one)
    assert desk.get(one).standing == "cancelled"
    assert desk.get(lifted).in_force(desk.at) is False
    alert = desk.get(lifted).alert
    assert alert is not None
    assert alert.infos[0].responses == ("AllClear",)
    assert refused(desk, "warning.publish", approved, {"revision": 1}).code == "warning.replaced_standing"
    body = {"draft": msgspec.to_builtins(a_draft(kind="Cancel", replaces=one))}
    assert refused(desk, "warning.draft", id_of("three"), body).code == "warning.replaced_standing"


def test_what_is_over_is_not_sent_again(desk: WarningDesk) -> None:
    """Cancelled, superseded, expired: a slow channel asks in vain, and is told what took its place."""
    one = desk.published("one")
    desk.send("warning.resend", one, {"channel": "speakers"})
    desk.published("two", kind="Cancel", replaces=one)
    fault = refused(desk, "warning.resend", one, {"channel": "speakers"})
    assert (fault.code, fault.details["standing"], fault.details["ended_by"]) == ("warning.over", "cancelled", "two")
    assert refused(desk, "warning.publish", one, {"revision": 1}).code == "warning.over"
    three = desk.published("three")
    desk.at = NOON + 7 * HOUR
    assert refused(desk, "warning.resend", three, {"channel": "speakers"}).code == "warning.over"


def test_only_the_hub_lets_a_warning_expire(desk: WarningDesk) -> None:
    """By its own clock, once; before its time nothing happens."""
    id = desk.published()
    assert refused(desk, "warning.expire", id).code == "warning.machine_only"
    assert desk.send("warning.expire", id, {}, "engine:warnings") == ()
    timers = WarningTimers(desk.rows, lambda id: None)
    assert timers.next_wake == NOON + 6 * HOUR
    desk.at = NOON + 6 * HOUR
    (command,) = timers.wake(desk.at).commands
    desk.send(command.kind, command.subject, command.body, "engine:warnings")
    assert desk.get(id).standing == "expired"
    assert timers.next_wake is None


def test_a_key_is_found_in_its_id() -> None:
    """And a draft without words is a draft all the same."""
    assert key_of(id_of("rain-1")) == "rain-1"
    assert Draft().said("zh") == Texts()
    assert SECOND == 1_000_000


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"event": "plague_of_frogs"}, "event"),
        ({"issuer": "nobody"}, "issuer"),
        ({"channels": ("speakers", "smoke_signals")}, "channels"),
    ],
)
def test_a_word_of_no_table_is_refused_while_it_is_drafted(
    desk: WarningDesk, fields: dict[str, Any], where: str
) -> None:
    """Nobody finds out at the last check: the draft says at once what is allowed, and an edit the same."""
    fault = refused(desk, "warning.draft", id_of("x"), {"draft": msgspec.to_builtins(a_draft(**fields))})
    assert (fault.code, fault.where) == ("warning.word_unknown", where)
    assert fault.remedy
    id = desk.drafted()
    body = {"revision": 1, "draft": msgspec.to_builtins(a_draft(**fields))}
    fault = refused(desk, "warning.edit", id, body)
    assert (fault.code, fault.where) == ("warning.word_unknown", where)
    allowed: Any = fault.details["allowed"]
    assert where == "channels" or {"emergency.duty", "rainstorm"} & set(allowed)


def test_what_stood_in_a_draft_before_its_table_changed_may_stay_until_the_check(desk: WarningDesk) -> None:
    """A table that lost a word must not hold back the mending of the text beside it."""
    id = desk.drafted()
    kinds = {name: kind for name, kind in LAW.kinds.items() if name != "rainstorm"}
    desk.engine.law = msgspec.structs.replace(LAW, kinds=kinds)
    desk.send("warning.edit", id, {"revision": 1, "draft": msgspec.to_builtins(a_draft(exercise="x"))})
    assert refused(desk, "warning.submit", id, {"revision": 2}).code == "warning.incomplete"
