"""CAP 1.2: real messages are read or refused as they should be, what is written is read again and fits the schema."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from capvalidator import Validator
from hypothesis import given, settings
from hypothesis import strategies as st

from quanyu.kernel.cap import (
    CODES,
    NAMESPACE,
    Alert,
    Area,
    Circle,
    Info,
    Named,
    Reference,
    Resource,
    alert_of,
    check_alert,
    read_alert,
    reference,
    triple,
    write_alert,
)
from quanyu.kernel.errors import Invalid
from quanyu.kernel.time import parse_instant

DATA = Path(os.environ.get("QUANYU_BENCH_DATA", "../shared/data")) / "cap"
if not DATA.is_dir():
    DATA = Path(__file__).parents[3].parent / "shared" / "data" / "cap"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the folder of CAP messages is not here")
ZONE = "Asia/Shanghai"
AT = parse_instant("2026-07-01T08:00:00+08:00")

RING = ((116.0, 39.0), (117.0, 39.0), (117.0, 40.0), (116.0, 39.0))
INFO = Info(
    categories=("Met",),
    event="暴雨",
    urgency="Immediate",
    severity="Severe",
    certainty="Likely",
    language="zh-CN",
    expires=AT + 3_600_000_000,
    areas=(Area("海淀区", polygons=(RING,)),),
)
ALERT = Alert(
    identifier="11010841600000_20260701080000_0",
    sender="weather@example.org",
    sent=AT,
    status="Actual",
    kind="Alert",
    scope="Public",
    infos=(INFO,),
)


def altered(**fields: object) -> Alert:
    """The good message with other fields."""
    return msgspec.structs.replace(ALERT, **fields)


def informed(**fields: object) -> Alert:
    """The good message with other words."""
    return altered(infos=(msgspec.structs.replace(INFO, **fields),))


@needs_data
@pytest.mark.parametrize(
    ("name", "languages", "signatures"),
    [
        ("au_thunderstorm_cap-au", ["en-AU"], 0),
        ("ca_naad_multilingual", ["en-CA", "fr-CA"], 2),
        ("is_wind_multilingual", ["is-IS", "en-US"], 0),
        ("mx_cyclone_update", ["es-419"], 0),
        ("sc_wind_signed", ["en"], 1),
    ],
)
def test_real_messages_are_read(name: str, languages: list[str], signatures: int) -> None:
    """Messages of five countries are read; signatures are kept as they stood and written by nobody."""
    alert = read_alert((DATA / f"{name}.xml").read_bytes())
    assert [info.language for info in alert.infos] == languages
    assert len(alert.signatures) == signatures
    assert all("SignatureValue" in each for each in alert.signatures)
    again = read_alert(write_alert(alert, ZONE))
    assert again == msgspec.structs.replace(alert, signatures=())
    assert check_alert(alert) == []


@needs_data
def test_all_real_messages_have_expired() -> None:
    """With a now, the check says that the message is over."""
    alert = read_alert((DATA / "sc_wind_signed.xml").read_bytes())
    assert [(each.check, each.where) for each in check_alert(alert, AT)] == [("expires.past", "info[1]")]


@needs_data
def test_a_message_against_the_schema_is_refused_with_its_place() -> None:
    """The Togolese message has no certainty: the refusal says which element is missing, and in which line."""
    with pytest.raises(Invalid) as caught:
        read_alert((DATA / "tg_invalid_schema.xml").read_bytes())
    assert caught.value.code == "cap.schema"
    assert caught.value.where == "line 10: info"
    assert "certainty" in caught.value.message


def test_a_triple_names_its_message() -> None:
    """What refers to a message is read as its three parts."""
    text = reference(ALERT, ZONE)
    assert text == "weather@example.org,11010841600000_20260701080000_0,2026-07-01T08:00:00+08:00"
    assert triple(text) == Reference(ALERT.sender, ALERT.identifier, AT)
    assert triple("a,b") is None
    assert triple("a,b,yesterday") is None


def test_utc_is_written_with_its_numeric_zone() -> None:
    """The standard wants -00:00, not Z."""
    assert b"<sent>2026-07-01T00:00:00-00:00</sent>" in write_alert(ALERT, "UTC")


def test_plain_values_become_the_alert_again() -> None:
    """What a record keeps is the same message."""
    assert alert_of(msgspec.msgpack.decode(msgspec.msgpack.encode(ALERT))) == ALERT


@pytest.mark.parametrize(
    ("alert", "check"),
    [
        (informed(areas=(Area("三点", polygons=(RING[:3],)),)), "polygon.points"),
        (informed(areas=(Area("未闭合", polygons=((*RING[:3], (115.0, 39.0)),)),)), "polygon.closed"),
        (informed(areas=(Area("高", ceiling_ft=100.0),)), "area.ceiling"),
        (informed(areas=()), "area.missing"),
        (informed(expires=None), "expires.missing"),
        (informed(expires=AT), "expires.order"),
        (informed(onset=AT + 7_200_000_000), "onset.order"),
        (informed(resources=(Resource("图", "image/png", deref="AAAA"),)), "resource.deref"),
        (altered(infos=()), "info.missing"),
        (altered(infos=(INFO, msgspec.structs.replace(INFO, language="en-US", categories=("Fire",)))), "info.agree"),
        (altered(kind="Update"), "references.missing"),
        (altered(kind="Cancel"), "references.missing"),
        (altered(kind="Ack"), "references.missing"),
        (altered(kind="Error", note="坐标有误"), "references.missing"),
        (altered(kind="Error", references=(reference(ALERT, ZONE),)), "error.note"),
        (altered(kind="Update", references=("only-an-identifier",)), "references.triple"),
        (altered(scope="Restricted"), "scope.restriction"),
        (altered(scope="Private"), "scope.addresses"),
        (altered(status="Exercise"), "exercise.note"),
        (altered(identifier="with space"), "identifier.characters"),
        (altered(sender=""), "sender.characters"),
    ],
)
def test_named_checks_find_what_no_schema_refuses(alert: Alert, check: str) -> None:
    """Each rule beyond the schema has a name, a place, and words in both languages; the message is read all the same."""
    assert check in [remark.check for remark in check_alert(alert)]
    assert all(remark.zh and remark.en and remark.where for remark in check_alert(alert))
    assert read_alert(write_alert(alert, ZONE)) == alert


def test_the_good_message_passes_every_check() -> None:
    """Nothing is said where nothing is wrong."""
    assert check_alert(ALERT, AT) == []


GOOD = write_alert(ALERT, ZONE).decode()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (">Actual<", ">Real<"),
        ("+08:00</sent>", "Z</sent>"),
        ("+08:00</sent>", "</sent>"),
        ("2026-07-01T08:00:00+08:00</sent>", "2026-02-30T08:00:00+08:00</sent>"),
        (">zh-CN<", ">中文<"),
        ("<areaDesc>海淀区</areaDesc>", ""),
        ("<scope>Public</scope>", "<scope>Public</scope><scope>Public</scope>"),
        ("<scope>Public</scope>", "<scope><b/></scope>"),
        ("<scope>Public</scope>", "<scope>Public</scope><sender>late</sender>"),
        ("<scope>Public</scope>", "<scope>Public</scope><colour>red</colour>"),
        ("39.0,116.0 39.0,117.0", "39.0 39.0,117.0"),
        ("39.0,116.0 39.0,117.0", "116.0,39.0 39.0,117.0"),
        ("</areaDesc>", "</areaDesc><circle>39.0,116.0</circle>"),
        ("</polygon>", "</polygon><altitude>high</altitude>"),
        ("<area>", "<resource><resourceDesc>a</resourceDesc><mimeType>b</mimeType><size>1.5</size></resource><area>"),
        (f'xmlns="{NAMESPACE}"', 'xmlns="urn:oasis:names:tc:emergency:cap:1.1"'),
        ("alert", "alarm"),
    ],
)
def test_what_the_schema_refuses_is_refused_with_its_line(old: str, new: str) -> None:
    """Every refusal of the schema names a line and says what to do."""
    assert old in GOOD
    with pytest.raises(Invalid) as caught:
        read_alert(GOOD.replace(old, new).encode())
    assert caught.value.code == "cap.schema"
    assert "line" in str(caught.value.where)
    assert caught.value.remedy


BOMB = """<?xml version="1.0"?><!DOCTYPE alert [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>"""


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (BOMB.encode() + GOOD.partition("?>")[2].replace("暴雨", "&b;").encode(), "cap.doctype"),
        (b'<!DOCTYPE alert SYSTEM "file:///etc/passwd"><alert/>', "cap.doctype"),
        (b"", "cap.xml"),
        (b"<alert", "cap.xml"),
        (GOOD.replace("暴雨", "&unknown;").encode(), "cap.xml"),
        (b'<?xml version="1.0" encoding="nonsense"?><alert/>', "cap.xml"),
        (b"<a>" * 40 + b"</a>" * 40, "cap.too_big"),
        (b"<a>" + b"<b/>" * 20_001 + b"</a>", "cap.too_big"),
        (b" " * (4 * 1024 * 1024 + 1), "cap.too_big"),
        (GOOD.replace("</polygon>", " 1,1" * 100_001 + "</polygon>").encode(), "cap.too_big"),
    ],
)
def test_bombs_and_floods_are_refused(content: bytes, code: str) -> None:
    """Neither entities nor size get past the reader."""
    with pytest.raises(Invalid) as caught:
        read_alert(content)
    assert caught.value.code == code


def test_a_control_character_cannot_be_written() -> None:
    """XML has no way to say it, and nothing is written by halves."""
    with pytest.raises(Invalid) as caught:
        write_alert(informed(headline="a\x00b"), ZONE)
    assert caught.value.code == "cap.text"


TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=12
)
SAID = TEXT.map(str.strip)
TIMES = st.integers(0, 4_000_000_000).map(lambda seconds: seconds * 1_000_000)
MILLIONTHS = 1_000_000
POSITIONS = st.tuples(
    st.integers(-180 * MILLIONTHS, 180 * MILLIONTHS), st.integers(-90 * MILLIONTHS, 90 * MILLIONTHS)
).map(lambda each: (each[0] / MILLIONTHS, each[1] / MILLIONTHS))
LENGTHS = st.integers(0, 10**9).map(lambda each: each / 1000)
NAMED = st.builds(Named, TEXT, TEXT)
WORDS = {name: st.sampled_from(values) for name, values in CODES.items()}
AREAS = st.builds(
    Area,
    TEXT,
    st.lists(st.lists(POSITIONS, min_size=1, max_size=5).map(tuple), max_size=2).map(tuple),
    st.lists(st.builds(Circle, POSITIONS, LENGTHS), max_size=2).map(tuple),
    st.lists(NAMED, max_size=2).map(tuple),
    st.none() | LENGTHS,
    st.none() | LENGTHS,
)
INFOS = st.builds(
    Info,
    categories=st.lists(WORDS["category"], min_size=1, max_size=2).map(tuple),
    event=TEXT,
    urgency=WORDS["urgency"],
    severity=WORDS["severity"],
    certainty=WORDS["certainty"],
    language=st.sampled_from(["zh-CN", "en-US", "bo"]),
    responses=st.lists(WORDS["responseType"], max_size=2).map(tuple),
    effective=st.none() | TIMES,
    onset=st.none() | TIMES,
    expires=st.none() | TIMES,
    headline=TEXT,
    description=TEXT,
    instruction=TEXT,
    web=st.sampled_from(["", "https://example.org/around"]),
    parameters=st.lists(NAMED, max_size=2).map(tuple),
    resources=st.lists(st.builds(Resource, TEXT, TEXT, st.none() | st.integers(0, 10**9)), max_size=1).map(tuple),
    areas=st.lists(AREAS, max_size=2).map(tuple),
)
ALERTS = st.builds(
    Alert,
    identifier=TEXT,
    sender=TEXT,
    sent=TIMES,
    status=WORDS["status"],
    kind=WORDS["msgType"],
    scope=WORDS["scope"],
    restriction=TEXT,
    codes=st.lists(TEXT, max_size=2).map(tuple),
    note=TEXT,
    references=st.lists(st.just(reference(ALERT, ZONE)), max_size=2).map(tuple),
    infos=st.lists(INFOS, max_size=2).map(tuple),
)


@settings(deadline=None, max_examples=60)
@given(alert=ALERTS, zone=st.sampled_from([ZONE, "UTC", "America/Sao_Paulo"]))
def test_what_is_written_is_read_again_and_fits_the_schema(alert: Alert, zone: str) -> None:
    """Write, then read: the same message; and the schema of the standard takes whatever is written."""
    content = write_alert(alert, zone)
    assert read_alert(content) == alert
    valid, words = Validator(content).schema()
    assert valid, words
