"""Context source registrations: what may be registered, what overlaps, and which source a request concerns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quanyu.assembly.hub import Hub
from quanyu.engines.context.registered import RegistrationsView
from quanyu.engines.context.registrations import CLAIM, RegistrationsEngine
from quanyu.kernel.errors import Conflict, Invalid, Missing, QuanyuError
from quanyu.kernel.journal import Command
from quanyu.kernel.ngsi.context import CORE, resolve
from quanyu.kernel.ngsi.discovery import Discovery, Interest, Period, discovered, informing
from quanyu.kernel.ngsi.geo import parse_geo
from quanyu.kernel.ngsi.instants import micros
from quanyu.kernel.ngsi.operations import GROUPS, OPERATIONS, operations_of
from quanyu.kernel.ngsi.q import parse_q
from quanyu.kernel.ngsi.registration import (
    check_registration,
    read_registration,
    read_registration_fragment,
    write_registration,
)
from quanyu.kernel.ngsi.scope import parse_scope_q
from quanyu.kernel.ngsi.selection import parse_types
from tests.hubs import HOUR_US, HandClock, bare_hub

ID = "urn:ngsi-ld:ContextSourceRegistration:1"
CAR = "urn:ngsi-ld:Car:1"


def source(**members: Any) -> dict[str, Any]:
    return {
        "id": ID,
        "type": "ContextSourceRegistration",
        "endpoint": "http://source.example.org:1026",
        "information": [{"entities": [{"type": "Car"}]}],
        **members,
    }


def info(*names: str, **entity: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"entities": [{"type": "Car", **entity}]} if entity or not names else {}
    return {**made, **({"propertyNames": list(names)} if names else {})}


# -- reading and writing ---------------------------------------------------------------------------------------------------


def test_names_are_stored_and_written_back_in_any_context() -> None:
    context = resolve(
        {"Car": "https://x.org/Car", "speed": "https://x.org/speed", "colour": "https://x.org/c"}, lambda url: {}
    )
    sent = source(information=[{"entities": [{"type": "Car", "id": CAR}], "propertyNames": ["speed"]}], colour="red")
    kept = read_registration({**sent, "timesSent": 4, "status": "ok"}, context)
    assert kept["information"] == [{"entities": [{"id": CAR, "type": "https://x.org/Car"}],
                                    "propertyNames": ["https://x.org/speed"]}]  # fmt: skip
    assert kept["https://x.org/c"] == "red"
    assert "timesSent" not in kept
    assert write_registration(kept, context) == sent
    assert write_registration(kept, CORE)["information"][0]["propertyNames"] == ["https://x.org/speed"]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"information": None}, "information"),
        ({"information": []}, "information"),
        ({"information": [{}]}, "information[0]"),
        ({"information": [{"entities": []}]}, "information[0].entities"),
        ({"information": [{"entities": [{"id": CAR}]}]}, "information[0].entities[0].type"),
        ({"information": [{"entities": [{"type": "Car", "id": "x"}]}]}, "information[0].entities[0].id"),
        ({"information": [{"entities": [{"type": "Car", "colour": 1}]}]}, "information[0].entities[0].colour"),
        ({"information": [{"propertyNames": [1]}]}, "information[0].propertyNames[0]"),
        ({"information": ["x"]}, "information[0]"),
        ({"type": "Car"}, "type"),
        ({"endpoint": "nowhere"}, "endpoint"),
        ({"mode": "both"}, "mode"),
        ({"operations": ["fly"]}, "operations[0]"),
        ({"mode": "auxiliary"}, "operations"),
        ({"mode": "auxiliary", "operations": ["updateOps"]}, "operations"),
        ({"mode": "exclusive"}, "information[0]"),
        ({"mode": "exclusive", "information": [info("speed", idPattern="x")]}, "information[0]"),
        ({"mode": "exclusive", "information": [info(id=CAR)]}, "information[0]"),
        ({"expiresAt": "tomorrow"}, "expiresAt"),
        ({"observationInterval": {"endAt": "2026-01-01T00:00:00Z"}}, "observationInterval.startAt"),
        ({"observationInterval": {"startAt": "2026-01-02T00:00:00Z", "endAt": "2026-01-01T00:00:00Z"}},
         "observationInterval.endAt"),
        ({"refreshRate": "P"}, "refreshRate"),
        ({"contextSourceAlias": "a b"}, "contextSourceAlias"),
        ({"datasetId": ["x"]}, "datasetId[0]"),
        ({"contextSourceInfo": [{"key": "accept", "value": "text/html"}]}, "contextSourceInfo[0].value"),
        ({"contextSourceInfo": [{"key": "a"}]}, "contextSourceInfo[0].value"),
        ({"management": {"timeout": 0}}, "management.timeout"),
        ({"management": {"localOnly": 1}}, "management.localOnly"),
        ({"management": {"cacheDuration": "5"}}, "management.cacheDuration"),
        ({"management": 1}, "management"),
        ({"description": ""}, "description"),
    ],
)  # fmt: skip
def test_what_is_no_registration_is_refused_where_it_is_wrong(change: dict[str, Any], where: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_registration(source(**change), CORE)
    assert caught.value.where == where


def test_a_registration_that_says_all_that_can_be_said_is_kept() -> None:
    full = source(
        mode="auxiliary", operations=["retrieveOps"], registrationName="n", description="d", tenant="t",
        expiresAt="2030-01-01T00:00:00Z", location={"type": "Point", "coordinates": [1, 2]}, refreshRate="PT1H30M",
        contextSourceAlias="a-1", datasetId=["urn:x:1", "@none"], scope=["/a", "/b/c"],
        management={"timeout": 5, "localOnly": True, "cacheDuration": "P1D"},
        managementInterval={"startAt": "2020-01-01T00:00:00Z"},
        contextSourceInfo=[{"key": "jsonldContext", "value": "http://x.org/c"}, {"key": "X-Auth", "value": "1"}],
    )  # fmt: skip
    assert read_registration(full, CORE) == full


def test_a_fragment_removes_by_null_but_not_what_must_stand() -> None:
    assert read_registration_fragment({"expiresAt": None, "colour": "urn:ngsi-ld:null"}, CORE) == {
        "expiresAt": None,
        "colour": None,
    }
    for member in ("information", "endpoint", "type"):
        with pytest.raises(Invalid):
            read_registration_fragment({member: None}, CORE)
    with pytest.raises(Invalid, match="no endpoint"):
        check_registration({"information": [{}]})


def test_groups_stand_for_operations_that_exist() -> None:
    for group in GROUPS.values():
        assert group <= OPERATIONS
    assert operations_of(["retrieveOps", "purgeEntity"]) == {"retrieveEntity", "queryEntity", "purgeEntity"}
    assert "createEntity" not in operations_of(["federationOps"])
    assert "queryEntity" in operations_of(["redirectionOps"])


LEAF = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
KEYS = st.sampled_from(["entities", "type", "id", "idPattern", "propertyNames", "startAt", "key", "value"])
ANYTHING = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
MEMBERS = ["information", "mode", "location", "contextSourceInfo", "management", "scope", "datasetId", "x"]


@settings(max_examples=200)
@given(ANYTHING, st.sampled_from(MEMBERS))
def test_whatever_is_sent_is_kept_or_refused(value: Any, member: str) -> None:
    with suppress(QuanyuError):
        kept = read_registration(source(**{member: value}), CORE)
        assert read_registration(write_registration(kept, CORE), CORE) == kept


# -- deciding --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def hub(tmp_path: Path, clock: HandClock) -> Iterator[Hub]:
    with bare_hub(tmp_path, clock, extra=[RegistrationsEngine()]) as found:
        found.registrations = RegistrationsView(found.store, clock.now)  # type: ignore[arg-type]
        yield found


def put(hub: Hub, number: int, **members: Any) -> None:
    id = f"urn:r:{number}"
    hub.commit_blocking([Command("registration.create", id, {"document": source(id=id, **members)})], "person:a")


def change(hub: Hub, number: int, **fragment: Any) -> None:
    hub.commit_blocking([Command("registration.update", f"urn:r:{number}", {"fragment": fragment})], "person:a")


def test_a_registration_lives_until_it_is_deleted_or_ends(hub: Hub, clock: HandClock) -> None:
    view = hub.registrations
    put(hub, 1, expiresAt="2026-03-02T01:00:00Z", colour="red")
    with pytest.raises(Conflict) as caught:
        put(hub, 1)
    assert caught.value.code == "registration.exists"
    change(hub, 1, colour=None, description="d")
    found = view.find("urn:r:1")
    assert found is not None
    assert "colour" not in found.document
    assert found.document["description"] == "d"
    clock.at += HOUR_US
    assert view.find("urn:r:1") is None, "it has ended"
    with pytest.raises(Missing):
        change(hub, 1, description="e")
    put(hub, 1)
    hub.commit_blocking([Command("registration.delete", "urn:r:1", {})], "person:a")
    assert list(view.all()) == []
    with pytest.raises(Missing):
        hub.commit_blocking([Command("registration.delete", "urn:r:1", {})], "person:a")


def test_what_cannot_be_kept_changes_nothing(hub: Hub) -> None:
    with pytest.raises(Invalid) as caught:
        put(hub, 1, expiresAt="2020-01-01T00:00:00Z")
    assert caught.value.code == "registration.past"
    put(hub, 1)
    with pytest.raises(Invalid) as caught:
        change(hub, 1, id="urn:r:2")
    assert caught.value.code == "registration.id"
    with pytest.raises(Invalid):
        change(hub, 1, mode="exclusive")
    assert hub.last_seq == 1


def test_an_exclusive_source_overlaps_with_no_proxied_one(hub: Hub) -> None:
    put(hub, 1, mode="exclusive", information=[info("speed", id=CAR)])
    put(hub, 2, mode="exclusive", information=[info("colour", id=CAR)])
    put(hub, 3, mode="exclusive", information=[info("speed", id="urn:ngsi-ld:Car:2")])
    put(hub, 4, mode="inclusive", information=[info("speed", id=CAR)])
    for number, taken in enumerate(
        (info("speed", "x", id=CAR), info(id=CAR), info(idPattern="Car:1$"), info("speed"), info()), 10
    ):
        mode = "redirect" if number > 10 else "exclusive"
        with pytest.raises(Conflict) as caught:
            put(hub, number, mode=mode, information=[taken])
        assert caught.value.code == "registration.overlap"
    put(hub, 20, mode="redirect", information=[info("speed", idPattern="Car:3$")])
    put(hub, 21, mode="redirect", information=[info("speed", idPattern="Car:3$")])
    with pytest.raises(Conflict):
        put(hub, 22, mode="exclusive", information=[info("speed", id="urn:ngsi-ld:Car:3")])
    change(hub, 1, endpoint="http://other.example.org")
    hub.commit_blocking([Command("registration.delete", f"urn:r:{n}", {}) for n in (1, 2, 3, 20, 21)], "person:a")
    assert list(hub.store.rows(CLAIM)) == []
    put(hub, 30, mode="redirect", information=[info("speed", id=CAR)])


def test_a_claim_ends_with_its_registration(hub: Hub, clock: HandClock) -> None:
    put(hub, 1, mode="exclusive", information=[info("speed", id=CAR)], expiresAt="2026-03-02T01:00:00Z")
    clock.at += HOUR_US
    put(hub, 2, mode="exclusive", information=[info("speed", id=CAR)])


def test_what_stands_here_is_not_sent_elsewhere_for(hub: Hub) -> None:
    car = {"id": CAR, "type": "Car", "speed": {"type": "Property", "value": 1}}
    hub.commit_blocking([Command("entity.create", CAR, car)], "person:a")
    for mode, taken in (("exclusive", info("speed", id=CAR)), ("redirect", info(id=CAR))):
        with pytest.raises(Conflict) as caught:
            put(hub, 1, mode=mode, information=[taken])
        assert caught.value.code == "registration.local"
    put(hub, 1, mode="exclusive", information=[info("colour", id=CAR)])


# -- matching --------------------------------------------------------------------------------------------------------------


def interest(types: str = "", **rest: Any) -> Interest:
    return Interest(parse_types(types, CORE) if types else None, **rest)


@pytest.mark.parametrize(
    ("registered", "asked", "matches"),
    [
        (info(), interest("Car"), True),
        (info(), interest("Bus"), False),
        (info(), interest("Car,Bus"), True),
        (info("speed"), interest("Bus"), True),
        (info("speed"), interest(attributes=frozenset({"speed", "x"})), True),
        (info("speed"), interest(attributes=frozenset({"x"})), False),
        (info(id=CAR), interest(attributes=frozenset({"x"})), True),
        (info(id=CAR), interest("Car", ids=(CAR,)), True),
        (info(id=CAR), interest("Car", ids=("urn:x:1",)), False),
        (info(id=CAR), interest("Car"), True),
        (info(id=CAR), interest("Car", id_pattern="Car:1$"), True),
        (info(id=CAR), interest("Car", id_pattern="Car:2$"), False),
        (info(idPattern="Car:1$"), interest("Car", ids=(CAR,)), True),
        (info(idPattern="Car:2$"), interest("Car", ids=(CAR,)), False),
        (info(idPattern="Car:2$"), interest("Car", id_pattern="Car:1$"), True),
    ],
)
def test_a_source_concerns_a_request_by_entities_and_attributes(
    registered: dict[str, Any], asked: Interest, matches: bool
) -> None:
    assert bool(informing(source(information=[registered]), asked)) is matches


def test_only_what_matches_informs() -> None:
    both = [{"entities": [{"type": "Car"}]}, {"entities": [{"type": "Bus"}]}]
    assert informing(source(information=both), interest("Bus")) == [both[1]]
    datasets = source(datasetId=["urn:d:1"])
    assert not informing(datasets, interest(datasets=frozenset({"urn:d:2"})))
    assert informing(datasets, interest(datasets=frozenset({"urn:d:1", "urn:d:2"})))


def test_times_select_sources_of_the_past() -> None:
    past = source(observationInterval={"startAt": "2020-01-01T00:00:00Z", "endAt": "2021-01-01T00:00:00Z"})
    at = {year: micros(f"{year}-06-01T00:00:00Z") for year in range(2018, 2024)}
    assert not discovered(past, Discovery())
    assert discovered(source(), Discovery())
    assert not discovered(source(), Discovery(period=Period(None, at[2022])))
    for period, matches in (
        (Period(None, at[2019]), False),
        (Period(None, at[2020]), True),
        (Period(at[2020], None), True),
        (Period(at[2021], None), False),
        (Period(at[2018], at[2019]), False),
        (Period(at[2018], at[2023]), True),
        (Period(at[2018], at[2023], managed=True), False),
    ):
        assert discovered(past, Discovery(period=period)) is matches


def test_places_scopes_and_properties_select_sources() -> None:
    area = {"type": "Polygon", "coordinates": [[[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]]}
    here = source(location=area, scope="/a/b", colour="red")

    def geo(relation: str, geometry: str, coordinates: Any) -> Discovery:
        return Discovery(geo=parse_geo(relation, geometry, coordinates, None, CORE))

    assert discovered(here, geo("within", "Polygon", [[[1, 1], [3, 1], [3, 3], [1, 3], [1, 1]]])), "it may hold such"
    assert not discovered(here, geo("within", "Polygon", [[[4, 4], [5, 4], [5, 5], [4, 5], [4, 4]]]))
    assert discovered(here, geo("near;maxDistance==1000", "Point", [1, 1]))
    assert not discovered(source(), geo("near;maxDistance==1000", "Point", [1, 1]))
    assert discovered(here, Discovery(scope=parse_scope_q("/a/#")))
    assert not discovered(here, Discovery(scope=parse_scope_q("/b")))
    assert discovered(here, Discovery(csf=parse_q('colour=="red"', CORE)))
    assert not discovered(here, Discovery(csf=parse_q('colour=="blue"', CORE)))
    assert discovered(here, Discovery(csf=parse_q('endpoint~="source"', CORE)))


def test_a_request_concerns_sources_that_take_its_operation(hub: Hub) -> None:
    put(hub, 1)
    put(hub, 2, operations=["updateOps"], mode="redirect")
    put(hub, 3, observationInterval={"startAt": "2020-01-01T00:00:00Z"}, operations=["queryTemporal"])
    view = hub.registrations
    assert [each.id for each in view.concerned("queryEntity", interest("Car"))] == ["urn:r:1"]
    assert [each.proxied for each in view.concerned("updateAttrs", interest("Car"))] == [True]
    assert view.concerned("queryEntity", interest("Bus")) == []
    assert [each.id for each in view.concerned("queryTemporal", interest("Car"), past=True)] == ["urn:r:3"]
