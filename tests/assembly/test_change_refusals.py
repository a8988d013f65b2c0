"""What would not load is refused when it is proposed, and what two persons have not seen is not released."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from quanyu.kernel.errors import Conflict, Denied, Invalid, QuanyuError
from quanyu.kernel.flow import flow_document
from quanyu.kernel.time import day_of
from tests.assembly.lawmaking import DAY, MORNING, O3, city, jump, propose, refused, release, replay, roll_back


def test_what_load_would_refuse_is_refused_now(tmp_path: Path) -> None:
    with city(tmp_path / "home", MORNING) as hub:
        flow = flow_document(next(each for each in hub.changes.law.flows if each.name == "mend_station"))
        yesterday = day_of(MORNING - DAY, hub.city.zone).isoformat()
        bad: list[tuple[str, str, str, dict[str, Any]]] = [
            ("rule.condition", "rule", "ozone_hour", {"when": "o3 > open('x')"}),
            ("rule.condition", "rule", "ozone_hour", {"when": "o3 >"}),
            ("rule.condition", "rule", "ozone_hour", {"when": "not " * 400 + "o3 > 1"}),
            ("rule.condition", "rule", "ozone_hour", {"when": f"o3 > {'9' * 400}"}),
            ("rule.name_unknown", "rule", "ozone_hour", {"when": "o3 > ozone"}),
            ("rule.parameter_type", "rule", "ozone_hour", {"when": "o3 > inspect_limit"}),
            ("rule.flow_unknown", "rule", "ozone_hour", {"opens": "nowhere"}),
            ("rule.document", "rule", "ozone_hour", {"severity": "purple"}),
            ("rule.document", "rule", "ozone_hour", {"when": " "}),
            ("rule.document", "rule", "ozone_hour", {"title": {"zh": "臭氧"}}),
            ("rule.document", "rule", "Ozone", {}),
            ("rule.length", "rule", "ozone_hour", {"lasting": "2 working days"}),
            ("limit.unreadable", "rule", "ozone_hour", {"lasting": "soon"}),
            ("rule.options", "rule", "stuck_sensor", {"clears": 0.5}),
            ("rule.on", "rule", "new_rule", _rule(on="Air.o3")),
            ("change.on_fixed", "rule", "ozone_hour", {"on": "AirQualityObserved.pm25", "when": "pm25 > 1"}),
            ("change.nothing", "rule", "ozone_hour", {}),
            ("parameter.unknown", "parameter", "no_such_limit", O3),
            ("change.parameter_shape", "parameter", "o3_hour_limit", {**O3, "value": "3 hours"}),
            ("change.parameter_shape", "parameter", "o3_hour_limit", {**O3, "unit": "C62"}),
            ("change.parameter_shape", "parameter", "inspect_limit", {**O3, "value": "soon"}),
            ("change.back_dated", "parameter", "o3_hour_limit", {**O3, "valid_from": yesterday}),
            ("change.jurisdiction", "parameter", "o3_hour_limit", {**O3, "jurisdiction": "310000"}),
            ("change.jurisdiction", "parameter", "o3_hour_limit", {**O3, "jurisdiction": "CN"}),
            ("change.district_value", "parameter", "o3_hour_limit", {**O3, "jurisdiction": "110105"}),
            ("parameter.row", "parameter", "o3_hour_limit", {"value": 150}),
            ("change.flow_name", "flow", "other", flow),
            ("change.flow_name", "flow", "mend_station", {**flow, "case": "other"}),
            ("change.parameter_unknown", "flow", "mend_station", {**flow, "overall": {"parameter": "nothing"}}),
            ("change.unit_unknown", "flow", "mend_station", {**flow, "escalate": "nobody"}),
            ("flow.document", "flow", "mend_station", {"name": "mend_station"}),
            ("flow.outcome_missing", "flow", "mend_station", {**flow, "steps": flow["steps"][:1]}),
        ]
        seq = hub.last_seq
        for code, kind, name, definition in bad:
            with pytest.raises(QuanyuError) as found:
                propose(hub, kind, name, definition)
            assert found.value.code == code, (found.value.code, found.value.message)
        assert hub.last_seq == seq
        with pytest.raises(Invalid) as found:
            propose(hub, "rule", "ozone_hour", {"when": "o3 > 1 and\\n\n  o3 ** 2 > 4".replace("\\n", "")})
        assert found.value.where == "rule ozone_hour:1:11" or str(found.value.where).startswith("rule ozone_hour:")


def _rule(**fields: Any) -> dict[str, Any]:
    title = {"zh": "新", "en": "New"}
    return {"when": "o3 > 1", "opens": "inspect_source", "severity": "info", "title": title} | fields


def test_a_day_that_has_passed_meanwhile_is_refused_at_the_release(tmp_path: Path) -> None:
    with city(tmp_path / "home", MORNING) as hub:
        today = day_of(MORNING, hub.city.zone).isoformat()
        dated = propose(hub, "parameter", "o3_hour_limit", {**O3, "valid_from": today})
        undated = propose(hub, "parameter", "o3_hour_limit", O3)
        for id in (dated, undated):
            replay(hub, id, days=1)
        jump(hub, MORNING + DAY)
        with refused(Invalid, "change.back_dated"):
            release(hub, dated)
        release(hub, undated)
        assert hub.changes.get(undated).definition["valid_from"] == day_of(MORNING + DAY, hub.city.zone).isoformat()


def test_a_release_that_does_not_fit_any_more_is_a_warning(tmp_path: Path) -> None:
    with city(tmp_path / "home", MORNING) as hub:
        assert not [each for each in hub.health()["warnings"] if "passed over" in each]
        hub.changes.book.law = hub.changes.law._replace(faults=("rule ozone_hour: it went",))
        assert "released rule ozone_hour: it went (passed over)" in hub.health()["warnings"]


def test_the_second_person_and_the_roles(tmp_path: Path) -> None:
    with city(tmp_path / "home", MORNING) as hub:
        id = propose(hub, "parameter", "o3_hour_limit", O3, actor="person:bob")
        replay(hub, id, days=1)
        with refused(Denied, "change.same_person"):
            release(hub, id, "person:bob")
        with refused(Denied, "access.denied"):
            release(hub, id, "person:ann")
        with refused(Denied, "access.denied"):
            roll_back(hub, id, "person:ann")
        release(hub, id, "person:eve")
        with refused(Conflict, "change.state"):
            release(hub, id, "person:eve")
