"""Batches over HTTP: rows, lines or columns, packed or plain, whole or row by row; and what devices do, shown."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from quanyu.faces.http import observations
from quanyu.kernel.errors import Invalid
from tests.faces.city import STATION, Knock

PATH = "/api/v1/observations"
AT = "2026-03-02T07:59:00+08:00"
AT_MS = 1_772_409_540_000
JSON = {"Content-Type": "application/json"}
LINES = {"Content-Type": "application/x-ndjson"}


def row(value: Any = 75.5, **other: Any) -> dict[str, Any]:
    return {"entity": STATION, "attribute": "pm25", "observedAt": AT, "value": value} | other


def columns(**other: Any) -> dict[str, Any]:
    return {
        "entities": [STATION], "attributes": ["pm25", "no2"], "entity": [0, 0], "attribute": [0, 1],
        "observedAt": [AT, AT_MS], "value": [61, 41.5], "units": {"pm25": "GQ"},
    } | other  # fmt: skip


def standing_at(knock: Knock, attribute: str = "pm25") -> Any:
    return knock.json("GET", f"/api/v1/entities/{STATION}", "duty")[attribute]["value"]


def test_rows_lines_and_columns_say_the_same(knock: Knock) -> None:
    forms: list[tuple[float, dict[str, Any]]] = [
        (1, {"json": {"items": [row(1)]}}),
        (2, {"json": [row(2)]}),
        (3, {"content": json.dumps(row(3)) + "\n\n" + json.dumps(row("ok", attribute="state")), "headers": LINES}),
        (61, {"json": {"columns": columns()}}),
    ]
    for value, sent in forms:
        taken = knock.json("POST", PATH, "engineer", **sent)
        assert (taken["refused"], taken["errors"]) == (0, [])
        assert standing_at(knock) == value
    assert taken["taken"] == 2
    no2 = knock.json("GET", f"/api/v1/entities/{STATION}", "duty")["no2"]
    assert (no2["value"], no2["observedAt"], no2["provenance"]) == (41.5, AT, "simulated:http")
    assert standing_at(knock, "state") == "ok"


def test_two_units_of_one_attribute_are_kept_apart(knock: Knock) -> None:
    rows = [row(number, unit="GQ", observedAt=f"2026-03-02T07:{number:02}:00+08:00") for number in range(59)]
    knock.json("POST", PATH, "engineer", json=[*rows, row(0.06, unit="GP"), *rows[:10]])
    found = knock.json("GET", f"/api/v1/entities/{STATION}", "duty")["pm25"]
    assert (found["value"], found["unitCode"]) == (0.06, "GP")


def test_a_packed_body_is_unpacked_within_limits(knock: Knock, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = JSON | {"Content-Encoding": "gzip"}
    content = gzip.compress(json.dumps([row(7)]).encode())
    knock.json("POST", PATH, "engineer", content=content, headers=packed)
    assert standing_at(knock) == 7

    def refused(status: int, content: bytes, encoding: str = "gzip") -> str:
        found = knock.problem(
            status, "POST", PATH, "engineer", content=content, headers=JSON | {"Content-Encoding": encoding}
        )
        return str(found["code"])

    assert refused(415, content, "br") == "http.encoding"
    assert refused(415, b"not gzip") == "http.encoding"
    assert refused(415, content[:-4]) == "http.encoding"
    assert refused(415, content + content) == "http.encoding"
    bomb = gzip.compress(b"[" + b" " * (observations.UNPACKED_BYTES_MAX + 1) + b"]")
    assert len(bomb) < 100_000
    assert refused(413, bomb) == "http.too_large"
    monkeypatch.setattr(observations, "SENT_BYTES_MAX", 10)
    assert refused(413, content) == "http.too_large"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "observations.shape"),
        ({"items": []}, "observations.shape"),
        ([], "observations.shape"),
        ({"items": [row()], "columns": columns()}, "observations.shape"),
        ({"columns": columns(value=[1])}, "observations.shape"),
        ({"columns": columns(entity=[0, 1])}, "observations.shape"),
        ({"columns": columns(attribute=[0, -1])}, "observations.shape"),
        ({"columns": columns(value=["wet", 1])}, "http.shape"),
        ({"columns": columns(observedAt=[AT, AT_MS * 1000])}, "time.unreadable"),
        ({"columns": columns(observedAt=[AT, "now"])}, "time.unreadable"),
        ({"columns": columns(colour=1)}, "http.shape"),
        ([row(observedAt="2027-01-01T00:00:00Z")], "observations.future"),
        ([row(attribute="a b")], "entity.name"),
        ([row(value=None)], "http.shape"),
        ([1], "http.shape"),
    ],
)
def test_a_batch_that_does_not_fit_changes_nothing(standing: Knock, body: Any, code: str) -> None:
    before = standing.hub.last_seq
    found = standing.problem(400, "POST", PATH, "engineer", json=body)
    assert found["code"] == code
    assert standing.hub.last_seq == before


def test_a_line_that_is_wrong_is_named(standing: Knock) -> None:
    body = json.dumps(row()) + "\n{}\n"
    assert standing.problem(400, "POST", PATH, "engineer", content=body, headers=LINES)["where"] == "line 2"
    assert standing.problem(415, "POST", PATH, "engineer", content="x", headers={"Content-Type": "text/csv"})["code"]


def test_row_by_row_takes_what_is_right_and_says_what_is_not(knock: Knock) -> None:
    gone = "urn:ngsi-ld:AirQualityObserved:gone"
    rows = [row(1), row(2, entity=gone), row(3, observedAt="soon"), row(4, attribute="a b"), row(5)]
    rows.append(row(6, observedAt="2027-01-01T00:00:00Z"))
    response = knock("POST", f"{PATH}?atomic=false", "engineer", json=rows)
    assert response.status_code == 207
    found = response.json()
    assert (found["taken"], found["refused"]) == (2, 4)
    assert [(each["row"], each["code"]) for each in found["errors"]] == [
        (1, "entity.missing"), (2, "time.unreadable"), (3, "entity.name"), (5, "observations.future"),
    ]  # fmt: skip
    assert all(each["detail"] and each["remedy"] for each in found["errors"])
    assert found["outcomes"][0]["seqs"] == [found["seq"]]
    assert standing_at(knock) == 5
    before = knock.hub.last_seq
    response = knock("POST", f"{PATH}?atomic=false", "engineer", json=rows[1:3])
    assert (response.status_code, response.json()["taken"], response.json()["seq"]) == (207, 0, None)
    assert knock.hub.last_seq == before
    assert knock("POST", f"{PATH}?atomic=false", "engineer", json=rows[:1]).status_code == 201
    assert knock.problem(404, "POST", PATH, "engineer", json=rows[:2])["code"] == "entity.missing"


def test_more_rows_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch, standing: Knock) -> None:
    monkeypatch.setattr(observations, "ROWS_MAX", 1)
    body = "\n".join([json.dumps(row())] * 2)
    assert standing.problem(400, "POST", PATH, "engineer", content=body, headers=LINES)["code"] == "observations.size"
    for sent in ([row(), row()], {"columns": columns()}):
        assert standing.problem(400, "POST", PATH, "engineer", json=sent)["code"] == "observations.size"


def test_what_is_unpacked_is_what_was_packed() -> None:
    assert observations.unpacked(gzip.compress(b"x" * 5000), "gzip") == b"x" * 5000
    assert observations.unpacked(b"x", "identity") == b"x"
    with pytest.raises(Invalid):
        observations.unpacked(b"", "gzip")


def test_devices_and_dead_letters_are_shown_to_those_who_keep_the_hub(knock: Knock) -> None:
    devices = knock.hub.devices
    gauge = devices.gauge("mqtt:air", "mqtt", knock.hub.machine())
    gauge.received, gauge.dead, gauge.fault = 5, 3, "the connection broke"
    for number in range(3):
        devices.letters.add(
            knock.hub.machine(), "mqtt:air" if number else "hj212", f"t/{number}", b"{\xff", "device.json", "no JSON"
        )
    (found,) = knock.json("GET", "/api/v1/devices", "engineer")["items"]
    assert (found["id"], found["received"], found["dead"], found["up"]) == ("mqtt:air", 5, 3, False)
    assert found["since"].endswith("+08:00")
    letters = knock.json("GET", "/api/v1/devices/dead-letters?limit=2", "engineer")
    assert [each["place"] for each in letters["items"]] == ["t/2", "t/1"]
    rest = knock.json("GET", f"/api/v1/devices/dead-letters?limit=2&after={letters['next']}", "engineer")
    assert [(each["source"], each["payload"]) for each in rest["items"]] == [("hj212", "{�")]
    assert len(knock.json("GET", "/api/v1/devices/dead-letters?source=mqtt:air", "engineer")["items"]) == 2
    assert "mqtt:air is down" in knock.json("GET", "/readyz")["warnings"]
    metrics = knock("GET", "/metrics", "engineer").text
    assert 'quanyu_device_dead_total{source="mqtt:air"} 3.0' in metrics
    assert 'quanyu_device_up{source="mqtt:air"} 0.0' in metrics
    for who in ("handler", "nobody"):
        knock.problem(403, "GET", "/api/v1/devices", who)
        knock.problem(403, "GET", "/api/v1/devices/dead-letters", who)
