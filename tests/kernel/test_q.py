"""The query language on cases that an expert of the clause can judge by eye (NGSI-LD 4.9)."""

from typing import Any

import pytest

from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.context import CORE, resolve
from quanyu.kernel.ngsi.q import Comparison, parse_q

CITY = resolve({"Red": "http://example.com/red", "ex": "http://example.com/", "gender": "ex:gender"}, lambda _: None)

CAR: dict[str, Any] = {
    "id": "urn:ngsi-ld:Vehicle:A4567",
    "type": ["Vehicle", "Car"],
    "scope": "/Madrid",
    "expiresAt": "2030-01-01T00:00:00Z",
    "createdAt": 1_600_000_000_000_000,  # 2020-09-13T12:26:40Z
    "speed": [
        {"type": "Property", "value": 55, "observedAt": "2020-09-01T12:03:00Z", "unitCode": "KMH"},
        {"type": "Property", "value": 60.5, "datasetId": "urn:ds:gps", "observedAt": 1_598_961_780_500_000},
    ],
    "brandName": {"type": "Property", "value": "Mercedes"},
    "parked": {"type": "Property", "value": True},
    "seats": {"type": "Property", "value": 1},
    "tags": {"type": "Property", "value": ["blue", "red", 7]},
    "address": {"type": "Property", "value": {"city": "Berlin", "floor": {"level": 3}, "note": None}},
    "built": {"type": "Property", "value": "2017-12-24T12:00:00Z"},
    "day": {"type": "Property", "value": "2017-12-24"},
    "opens": {"type": "Property", "value": "07:30:00Z"},
    "typed": {"type": "Property", "value": {"@type": "DateTime", "@value": "2018-01-01T00:00:00Z"}},
    "color": {"type": "LanguageProperty", "languageMap": {"fr": "rouge", "en": "red", "de": ["rot", "purpur"]}},
    "category": {"type": "VocabProperty", "vocab": ["commercial", "http://example.com/red"]},
    "kind": {"type": "VocabProperty", "vocab": "commercial"},
    "tickets": {"type": "JsonProperty", "json": {"id": "85a6", "value": "Overstay"}},
    "route": {"type": "ListProperty", "valueList": [1, 2, "x"]},
    "owner": {
        "type": "Relationship",
        "object": "urn:p:1",
        "since": {"type": "Property", "value": 2001, "sure": {"type": "Property", "value": False}},
    },
    "drivers": {"type": "Relationship", "object": ["urn:p:1", "urn:p:2"]},
    "stops": {"type": "ListRelationship", "objectList": [{"object": "urn:s:1"}, {"object": "urn:s:2"}]},
    "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [1, 2]}},
}
PEOPLE: dict[str, dict[str, Any]] = {
    "urn:p:1": {
        "id": "urn:p:1",
        "type": "Person",
        "name": {"type": "Property", "value": "Ann"},
        "works": {"type": "Relationship", "object": "urn:o:1"},
    },
    "urn:o:1": {"id": "urn:o:1", "type": "Office", "floor": {"type": "Property", "value": 40}},
}

HOLDS = {
    # existence
    "speed": True,
    "!speed": False,
    "wheels": False,
    "!wheels": True,
    "owner.since.sure": True,
    "owner.since.unsure": False,
    "speed.unitCode": True,
    # equality asks for the same data type; any instance will do
    "speed==55": True,
    "speed==55.0": True,
    "speed==60.5": True,
    'speed=="55"': False,
    "seats==true": False,
    "parked==1": False,
    "parked==true": True,
    "parked==false": False,
    'brandName=="Mercedes"': True,
    "brandName==Mercedes": True,
    'brandName=="mercedes"': False,
    'brandName=="Mer\\u0063edes"': True,
    'wheels=="x"': False,
    # inequality: the attribute stands, and no element equals
    'brandName!="Audi"': True,
    'brandName!="Mercedes"': False,
    'wheels!="x"': False,
    'speed!="55"': True,
    "speed!=55": True,  # the second instance differs
    "seats!=1": False,
    # lists
    'brandName=="Audi","Mercedes"': True,
    'brandName!="Audi", "Mercedes"': False,
    'brandName=="Audi",Mercedes,3': True,
    # arrays
    'tags=="red"': True,
    'tags=="green","blue"': True,
    'tags!="red"': False,
    'tags!="green"': True,
    "tags==7": True,
    "tags>6": False,
    "tags==6..8": False,
    "tags!=6..8": True,
    'tags~="red"': False,
    'tags!~="red"': False,
    "route==2": True,
    'route=="x"': True,
    # ranges, both ends included
    "seats==1..2": True,
    "seats==0..1": True,
    "seats==1.5..2": False,
    "seats!=2..3": True,
    'seats=="1".."2"': False,
    'seats!="1".."2"': True,
    'brandName=="M".."N"': True,
    # order
    "speed>60": True,
    "speed>60.5": False,
    "speed>=60.5": True,
    "speed<55": False,
    "speed<=55": True,
    'speed>"1"': False,
    "brandName>5": False,
    'brandName>"Mb"': True,
    'brandName<"Mb"': False,
    "parked>0": False,
    # patterns: found anywhere unless anchored, in texts only
    'brandName~="^Mer.*s$"': True,
    'brandName~="erce"': True,
    "brandName~=erce": True,
    'brandName~="^erce"': False,
    "brandName~=(Audi|Mercedes)": True,
    'brandName!~="^Audi"': True,
    'brandName!~="erce"': False,
    'speed~="5"': False,
    'speed!~="5"': False,
    'wheels!~="5"': False,
    # dates and times
    "built==2017-12-24T12:00:00Z": True,
    "built==2017-12-24T12:00:00.000Z": True,
    'built=="2017-12-24T12:00:00,0Z"': True,
    "built>2017-12-24T11:59:59.999Z": True,
    "built<2017-12-24T12:00:00.1Z": True,
    'built>"2017-12-24T12:00:00Z"': False,
    'built>"2017"': True,
    "built==2017-12-24T00:00:00Z..2017-12-25T00:00:00Z": True,
    "built>2017-12-24": False,
    "day==2017-12-24": True,
    'day=="2017-12-24"': True,
    "day>2017-12-23": True,
    "day>2017-12-24T00:00:00Z": False,
    "opens<08:00:00Z": True,
    "opens==07:30:00.0Z": True,
    "brandName>07:30:00Z": False,
    "typed>2017-12-31T23:59:59Z": True,
    'typed=="2018-01-01T00:00:00Z"': True,
    # instants of the system, as text or in microseconds
    "speed.observedAt>=2020-09-01T12:03:00.5Z": True,
    "speed.observedAt>2020-09-01T12:03:00.5Z": False,
    "speed.observedAt==2020-09-01T12:03:00.500Z": True,
    "speed.observedAt==2020-09-01T12:03:00Z": True,
    "speed.observedAt==2020-09-01T12:03:00.1Z..2020-09-01T12:04:00Z": True,
    "createdAt>2020-09-13T12:26:39Z": True,
    'createdAt>"2020-09-13T12:26:40Z"': False,
    "createdAt!=2020-09-13T12:26:40Z": False,
    'createdAt!="2020-13-13T12:26:40Z"': True,
    'createdAt>"2020"': True,
    'createdAt~="^2020-09-13T12:26:40Z$"': True,
    "createdAt==7": False,
    "createdAt!=7": True,
    "modifiedAt>2020-01-01T00:00:00Z": False,
    "expiresAt>2029-01-01T00:00:00Z": True,
    # members and sub-attributes
    'speed.unitCode=="KMH"': True,
    'speed.datasetId=="urn:ds:gps"': True,
    "owner.since>2000": True,
    "owner.since.sure==false": True,
    'type=="Car"': True,
    'id=="urn:ngsi-ld:Vehicle:A4567"': True,
    # into compound values
    'address[city]=="Berlin"': True,
    'address[city]!="Paris"': True,
    'address[postcode]!="Paris"': False,
    "address[floor.level]==3": True,
    "address[floor.level.deep]": False,
    "address[note]": True,
    "address[city]": True,
    "address[postcode]": False,
    'tickets[value]=="Overstay"': True,
    'location[type]=="Point"': True,
    "location[coordinates]==2": True,
    "owner[object]": False,
    # languages
    'color=="red"': True,
    'color[en]=="red"': True,
    'color[en]=="rouge"': False,
    'color[fr]=="rouge"': True,
    'color[de]=="purpur"': True,
    'color[de]!="purpur"': False,
    'color[it]!="rosso"': False,
    'color[*]=="rouge"': True,
    'color[*]!="red"': False,
    'color!="red"': False,
    'color[*]!="green"': True,
    'color[en]~="^r"': True,
    'color[*]!~="^r"': False,
    "color[*]": True,
    "color[it]": False,
    "brandName[*]": False,
    # relationships know equality only
    "owner==urn:p:1": True,
    'owner=="urn:p:1"': True,
    'owner!="urn:p:2"': True,
    'owner=="urn:p:2","urn:p:1"': True,
    'owner>"urn:a"': False,
    'owner~="urn"': False,
    'owner!~="nothing"': False,
    'owner=="urn:a".."urn:z"': False,
    "drivers==urn:p:2": True,
    "drivers!=urn:p:2": False,
    "stops==urn:s:2": True,
    "stops!=urn:s:3": True,
    # vocabularies are compared as IRIs
    "category==commercial": False,
    "category!=commercial": True,
    'category=="http://example.com/red"': True,
    "category==https://uri.etsi.org/ngsi-ld/default-context/commercial": True,
    "category==ex:red": True,
    'category!="http://example.com/red"': False,
    'category>"a"': False,
    'category=="a".."z"': False,
    'category!="a".."z"': True,
    'kind~="context/commercial$"': True,
    'kind!~="context/commercial$"': False,
    # logic: and binds closer than or
    "wheels|speed": True,
    "speed|wheels;wheels": True,
    "(speed|wheels);wheels": False,
    '((speed>50|rpm>3000);brandName=="Mercedes")': True,
    "speed;seats;parked": True,
    "a|b|seats": True,
    # linked entities
    'owner{name}=="Ann"': True,
    'owner{name}=="Bob"': False,
    'owner{Person:name}=="Ann"': True,
    'owner{Animal,Person:name}=="Ann"': True,
    'owner{Animal:name}=="Ann"': False,
    "owner{works{floor}}==40": True,
    "owner{Person:works{Office:floor}}==40": True,
    "owner{works{Person:floor}}==40": False,
    "drivers{name}": True,
    "stops{name}": False,
    "!stops{name}": True,
    "brandName{name}": False,
}


@pytest.mark.parametrize(("text", "holds"), HOLDS.items())
def test_a_query_holds_as_the_clause_says(text: str, holds: bool) -> None:
    query = parse_q(text, CITY)
    assert query.matches(CAR, PEOPLE.get) is holds
    written = parse_q(query.text(CITY), CITY)
    assert written == query
    assert hash(written) == hash(query)
    assert written.text(CITY) == query.text(CITY)


def test_without_a_lookup_nothing_holds_along_a_relationship() -> None:
    assert not parse_q('owner{name}=="Ann"', CORE).matches(CAR)
    assert parse_q('owner{name}=="Ann"', CORE).hops == 1
    assert parse_q("a|b{c{d}}", CORE).hops == 2


def test_values_are_names_where_the_sender_says_so() -> None:
    """EXAMPLE 12: expandValues=gender."""
    person = {
        "id": "urn:p",
        "type": "Person",
        "http://example.com/gender": {"type": "VocabProperty", "vocab": "http://example.com/red"},
        "category": {"type": "VocabProperty", "vocab": "commercial"},
        "link": {"type": "Property", "value": "http://example.com/red"},
    }
    assert not parse_q("gender==Red", CITY).matches(person)
    assert parse_q("gender==Red", CITY, ["gender"]).matches(person)
    assert parse_q('gender=="Blue","Red"', CITY, ["gender"]).matches(person)
    assert not parse_q("gender!=Red", CITY, ["gender"]).matches(person)
    assert parse_q("category==commercial", CITY, ["category"]).matches(person)
    assert not parse_q("category==commercial", CITY, ["gender"]).matches(person)
    assert parse_q("link==Red", CITY, ["link"]).matches(person)
    query = parse_q("gender==Red,3", CITY, ["gender"])
    assert query.text(CITY) == 'gender=="Red",3'
    assert parse_q(query.text(CITY), CITY, ["gender"]) == query


def test_names_go_through_the_context() -> None:
    query = parse_q('gender.ex=="f";gender', CITY)
    assert query.attributes() == {"http://example.com/gender"}
    assert query.text(CITY) == 'gender.ex=="f";gender'
    assert parse_q("temperature>20", CITY) == parse_q("temperature>20", CORE)
    assert parse_q("ex:a==1", CITY).attributes() == {"http://example.com/a"}


def test_a_registration_is_asked_like_an_entity() -> None:
    """4.9: context sources are filtered by the members that describe them, which are plain values."""
    registration = {"id": "urn:r", "type": "ContextSourceRegistration", "tenant": "city", "refresh": 5}
    assert parse_q('tenant=="city";refresh<6', CORE).matches(registration)
    assert not parse_q('tenant=="town"', CORE).matches(registration)


def test_a_relationship_to_too_many_entities_is_refused() -> None:
    crowd = {"id": "urn:x", "friend": {"type": "Relationship", "object": [f"urn:{n}" for n in range(1_001)]}}
    with pytest.raises(Invalid) as caught:
        parse_q("friend{name}", CORE).matches(crowd, lambda _: None)
    assert caught.value.code == "q.complex"


PLANS: dict[str, list[Comparison]] = {
    "speed>50": [Comparison("speed", ">", (50,))],
    'speed>50;brandName=="A"': [Comparison("speed", ">", (50,)), Comparison("brandName", "==", ("A",))],
    "speed>50|seats": [],
    "a==1|a==2,3": [Comparison("a", "==", (1, 2, 3))],
    "a==1|a==true": [Comparison("a", "==", (1, True))],
    "a==1|a>2": [Comparison("a", "exists")],
    "(a==1;b)|(a==2;c)": [Comparison("a", "==", (1, 2))],
    "a==1..2": [Comparison("a", "..", (1, 2))],
    "a!=1,2": [Comparison("a", "!=", (1, 2))],
    "a!=1..2": [Comparison("a", "!=")],
    "!a": [],
    "a": [Comparison("a", "exists")],
    "a.b==1": [Comparison("a", "exists")],
    "a[b]==1": [Comparison("a", "exists")],
    "a{b}==1": [Comparison("a", "exists")],
    "a~=b": [Comparison("a", "exists")],
    "createdAt>2020-01-01T00:00:00Z": [],
    "v==ex:red": [Comparison("v", "==", ("ex:red", "http://example.com/red"))],
    "t==2020-01-01T00:00:00Z": [Comparison("t", "..", ("2020-01-01T00:00:00", "2020-01-01T00:00:00~"))],
    "t==2020-01-01T00:00:00Z,2021-01-01T00:00:00Z": [Comparison("t", "exists")],
    "t>2020-01-01T00:00:00.5Z": [Comparison("t", ">=", ("2020-01-01T00:00:00",))],
    "t<08:00:00Z": [Comparison("t", "<=", ("08:00:00~",))],
    "t<2020-01-01": [Comparison("t", "<", ("2020-01-01",))],
    "a==1;a==1;b": [Comparison("a", "==", (1,)), Comparison("b", "exists")],
}


@pytest.mark.parametrize(("text", "plan"), PLANS.items())
def test_what_an_index_may_start_from(text: str, plan: list[Comparison]) -> None:
    found = parse_q(text, CITY).required()
    assert list(found) == plan
    assert [[type(value) for value in each.values] for each in found] == [
        [type(value) for value in each.values] for each in plan
    ]
