"""Credit repair: the periods of order 36, who may apply and when, objections, and a withdrawal with every receipt."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from quanyu.assembly.personal import read_personal
from quanyu.domains.governance.credit.simulation import credit
from quanyu.kernel.errors import Conflict, Denied, QuanyuError
from quanyu.kernel.journal import Command
from quanyu.kernel.public import is_public
from quanyu.kernel.time import parse_instant
from quanyu.kernel.view import EVERYTHING, CaseQuery
from tests.packs.mini_city import MiniCity, mini_city

APRIL = parse_instant("2026-04-15T09:00:00+08:00")
DAY_US = 86_400_000_000
OFFICE, OTHER = "person:office-1", "person:office-2"
CONDITIONS = {"corrected": True, "duty_done": True, "committed": True}


def opened(city: MiniCity, grade: str = "general") -> str:
    body = {
        "flow": "credit_record", "class": grade, "title": {"zh": "某某公司行政处罚信息(模拟)", "en": "A penalty (simulated)"},
        "reporter": {"name": "某某公司经办人(模拟)"}, "channel": "counter",
    }  # fmt: skip
    receipt = city.hub.commit_blocking([Command("case.open", "", body, "simulated:test")], "simulation:test")
    return str(receipt.outcomes[0].subject)


def act(
    city: MiniCity, id: str, action: str, who: str = OFFICE, role: str = "handler", unit: str | None = "credit.office",
    **body: Any,
) -> dict[str, Any]:  # fmt: skip
    person = {"id": who, "name": "经办", "unit": unit, "role": role}
    command = Command("case.act", id, {"action": action, "as_person": person} | body, "simulated:test")
    city.hub.commit_blocking([command], "simulation:test")
    return found(city, id)


def found(city: MiniCity, id: str) -> dict[str, Any]:
    city.hub.settled_blocking()
    case = city.cases.find(id, EVERYTHING)
    assert case is not None
    return dict(case)


def clerk(city: MiniCity, id: str, action: str, **body: Any) -> dict[str, Any]:
    return act(city, id, action, "person:clerk", "clerk", None, **body)


def recorded(city: MiniCity, grade: str = "general", **fields: Any) -> str:
    id = opened(city, grade)
    given = {"document": "(2026)0001", "counted_from": "2026-04-15", "subject_kind": "body", "published": True}
    act(city, id, "record", fields=given | fields)
    return id


def pass_days(city: MiniCity, days: float) -> None:
    city.clock.at += int(days * DAY_US)
    city.hub.runners["cases"].notify(city.hub.last_seq)
    city.hub.settled_blocking()


def steps(case: Mapping[str, Any]) -> set[str]:
    return {branch["step"] for branch in case["tokens"]}


def withdrawn(city: MiniCity, grade: str = "general") -> str:
    """A case whose repair was decided and whose consumers have been told."""
    id = recorded(city, grade)
    if grade != "minor":
        pass_days(city, 93)
    clerk(city, id, "apply", fields=CONDITIONS)
    act(city, id, "verify")
    act(city, id, "decide", OTHER, fields={"passed": True})
    return id


PERSON = {"document": "(2026)个罚字第 9 号", "counted_from": "2026-04-15", "act_ended": "2026-03-01",
          "subject_kind": "person", "published": True}  # fmt: skip


def of_a_person(city: MiniCity, **more: Any) -> str:
    body = {
        "flow": "credit_person", "class": "general", "title": {"zh": "赵六行政处罚信息", "en": "Zhao Liu"},
        "text": "赵六逾期未缴",
        "reporter": {"name": "赵六", "phone": "13900001111"}, "channel": "counter",
        "place": {"address": "赵六家 3 号", "district": "110105"},
    } | more  # fmt: skip
    receipt = city.hub.commit_blocking([Command("case.open", "", body, "simulated:test")], "simulation:test")
    id = str(receipt.outcomes[0].subject)
    act(city, id, "record", fields=PERSON, note="赵六本人到场")
    return id


def journal_of(city: MiniCity) -> str:
    return "\n".join(str(record.body) for record in city.hub.journal_read(0, 10_000))


def test_what_is_recorded_of_a_person_is_sealed_and_goes_after_five_years(tmp_path: Path) -> None:
    with mini_city(tmp_path / "home", at=APRIL) as city:
        id = of_a_person(city)
        case = found(city, id)
        assert case["title"]["zh"] == "个人失信信息与修复"
        for words in ("赵六", "13900001111", "个罚字"):
            assert words not in str(case)
            assert words not in journal_of(city)
        said = read_personal(city.hub, case["reporter"], "person:office-1", "核对登记内容")
        assert said == {"name": "赵六", "phone": "13900001111", "title": "赵六行政处罚信息", "text": "赵六逾期未缴",
                        "address": "赵六家 3 号"}  # fmt: skip
        document = case["actions"][-1]["fields"]["document"]
        assert read_personal(city.hub, document, "person:office-1", "核对文书") == {"document": PERSON["document"]}
        # Five years from 1 March 2026, the end of the act: the day after them, whatever became of the case meanwhile.
        assert case["keeping"]["erases_at"] == parse_instant("2031-03-02T00:00:00+08:00")
        assert case["keeping"]["parameter"].startswith("credit_keep_person@")
        assert case["keeping"]["erased_at"] is None
        pass_days(city, 93)
        clerk(city, id, "apply", fields=CONDITIONS)
        act(city, id, "verify")
        act(city, id, "decide", OTHER, fields={"passed": True})
        for receiver, unit in (("market", "market.supervision"), ("procurement", "procurement.office")):
            act(city, id, "acknowledge", f"person:{receiver}", unit=unit, note="已撤下", fields={"receiver": receiver})
        act(city, id, "acknowledge", unit="credit.office", note="已撤下", fields={"receiver": "credit_portal"})
        assert act(city, id, "close", note="回执齐全", fields={"outcome": "fixed"})["state"] == "closed"


def test_the_erasure_survives_a_restart_is_told_and_answered(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with mini_city(home, at=APRIL) as city:
        id = of_a_person(city)
        reference = found(city, id)["reporter"]
    with mini_city(home, at=parse_instant("2031-03-01T12:00:00+08:00")) as city:
        assert found(city, id)["keeping"]["erased_at"] is None
        pass_days(city, 1)
        case = found(city, id)
        assert case["keeping"]["erased_at"] == city.clock.at
        assert case["actions"][-1]["action"] in ("tell", "timer")
        told = {notice["receiver"] for notice in case["notices"] if notice["event"] == "credit_erased"}
        assert told == {"credit_portal", "market", "procurement"}
        with pytest.raises(QuanyuError) as refused:
            read_personal(city.hub, reference, "person:office-1", "核对登记内容")
        assert refused.value.code == "personal.gone"
        act(
            city,
            id,
            "acknowledge",
            "person:market",
            unit="market.supervision",
            note="已删除",
            fields={"receiver": "market"},
        )
        market = next(
            each
            for each in found(city, id)["notices"]
            if (each["event"], each["receiver"]) == ("credit_erased", "market")
        )
        assert market["by"] == "person:market"
        erasures = city.hub.journal_read(0, 10_000, {"person.erased"})
        assert [record.subject for record in erasures] == [f"reporter:{id}"]


def test_before_the_minimum_is_over_nobody_may_apply(tmp_path: Path) -> None:
    with mini_city(tmp_path / "home", at=APRIL) as city:
        id = recorded(city)
        pass_days(city, 91)
        assert steps(found(city, id)) == {"published_on", "object"}
        with pytest.raises(QuanyuError):
            clerk(city, id, "apply", fields=CONDITIONS)
        with pytest.raises(Conflict) as refused:
            act(city, id, "published_on", fields={"reorganised": False})
        assert refused.value.code == "case.no_way"
        pass_days(city, 1)
        assert steps(found(city, id)) == {"apply", "object"}, "16 July: three months from the document's date are over"


def test_the_periods_count_from_the_date_of_the_document_not_from_the_record(tmp_path: Path) -> None:
    with mini_city(tmp_path / "home", at=APRIL) as city:
        id = recorded(city, counted_from="2026-01-10")
        pass_days(city, 0.01)
        case = found(city, id)
        assert steps(case) == {"apply", "object"}
        publication = next(clock for clock in case["clocks"] if clock["name"] == "publication")
        assert publication["due"] == parse_instant("2027-01-11T00:00:00+08:00")


def test_repair_needs_correction_duty_and_commitment(tmp_path: Path) -> None:
    with mini_city(tmp_path / "home", at=APRIL) as city:
        id = recorded(city, "minor")
        assert steps(found(city, id)) == {"apply", "object"}, "minor: may be repaired once the duty is done"
        for missing in CONDITIONS:
            with pytest.raises(Conflict) as refused:
                clerk(city, id, "apply", fields=CONDITIONS | {missing: False})
            assert refused.value.code == "case.no_way"
        assert steps(clerk(city, id, "apply", fields=CONDITIONS)) == {"verify", "object"}


def test_a_reorganised_firm_may_apply_before_the_minimum(tmp_path: Path) -> None:
    with mini_city(tmp_path / "home", at=APRIL) as city:
        id = recorded(city, "serious")
        case = act(city, id, "published_on", fields={"reorganised": True}, note="(2026)破字第 1 号裁定")
        assert steps(case) == {"apply", "object"}


def test_who_verified_does_not_decide_and_a_refusal_says_why(tmp_path: Path) -> None:
    with mini_city(tmp_path / "home", at=APRIL) as city:
        id = recorded(city, "minor")
        clerk(city, id, "apply", fields=CONDITIONS)
        act(city, id, "verify")
        with pytest.raises(Denied):
            act(city, id, "decide", fields={"passed": True})
        with pytest.raises(QuanyuError) as refused:
            act(city, id, "decide", OTHER, fields={"passed": False})
        assert refused.value.code == "case.reason_missing"
        case = act(city, id, "decide", OTHER, fields={"passed": False}, note="罚款尚未缴清")
        assert steps(case) == {"apply", "object"}
        assert case["notices"] == []


def test_repaired_only_when_every_consumer_has_answered(tmp_path: Path) -> None:
    with mini_city(tmp_path / "home", at=APRIL) as city:
        id = withdrawn(city)
        case = found(city, id)
        assert case["channel"] == "counter"
        assert not is_public(case), "what was published and is repaired stands on no public page of the hub"
        assert {notice["receiver"] for notice in case["notices"]} == {"credit_portal", "market", "procurement"}
        with pytest.raises(Conflict) as refused:
            act(city, id, "close", fields={"outcome": "fixed"})
        assert refused.value.code == "case.receipts_missing"
        with pytest.raises(QuanyuError) as wordless:
            act(city, id, "close")
        assert wordless.value.code == "case.outcome_missing", "the branch of objections does not hold the case open"
        act(city, id, "acknowledge", fields={"receiver": "credit_portal"}, note="已撤下公示")
        act(
            city, id, "acknowledge", "person:m", unit="market.supervision", fields={"receiver": "market"}, note="已解除"
        )
        pass_days(city, 4)
        case = found(city, id)
        waiting = next(notice for notice in case["notices"] if notice["receipt_at"] is None)
        assert (waiting["receiver"], waiting["tries"] > 1) == ("procurement", True)
        assert case["escalated_to"] == "credit.office"
        act(
            city,
            id,
            "acknowledge",
            "person:p",
            unit="procurement.office",
            fields={"receiver": "procurement"},
            note="已恢复",
        )
        case = act(city, id, "close", fields={"outcome": "fixed"})
        assert (case["state"], case["outcome"]["word"]) == ("closed", "fixed")


@pytest.mark.parametrize(("grade", "days"), [("minor", 93), ("general", 367), ("serious", 1098)])
def test_at_the_maximum_publication_stops_by_itself(tmp_path: Path, grade: str, days: int) -> None:
    with mini_city(tmp_path / "home", at=APRIL) as city:
        id = recorded(city, grade)
        pass_days(city, days / 2)
        pass_days(city, days / 2)
        case = found(city, id)
        assert steps(case) == {"close", "object"}
        assert len(case["notices"]) == 3


def test_an_objection_is_answered_in_twenty_days_and_one_that_is_upheld_withdraws_everywhere(tmp_path: Path) -> None:
    with mini_city(tmp_path / "home", at=APRIL) as city:
        id = recorded(city, "serious")
        case = clerk(city, id, "object", note="处罚对象不是本公司")
        assert steps(case) == {"published_on", "answer"}
        answer = next(branch for branch in case["tokens"] if branch["step"] == "answer")
        assert answer["due_at"] == parse_instant("2026-05-06T00:00:00+08:00")
        case = act(city, id, "answer", fields={"upheld": False}, note="经核实,信息无误")
        assert steps(case) == {"published_on", "object"}
        clerk(city, id, "object", note="补充材料")
        case = act(city, id, "answer", fields={"upheld": True}, note="登记有误")
        assert steps(case) == {"published_on", "cancelled"}
        assert len(case["notices"]) == 3
        for receiver, unit in (("credit_portal", "credit.office"), ("market", "market.supervision"),
                               ("procurement", "procurement.office")):  # fmt: skip
            act(city, id, "acknowledge", f"person:{unit}", unit=unit, fields={"receiver": receiver}, note="已更正")
        case = act(city, id, "cancelled", fields={"outcome": "fixed"})
        assert case["state"] == "closed"
        assert city.cases.query(CaseQuery(list="open", kind="credit"), EVERYTHING).items == []


def test_the_simulated_office_repairs_with_receipts_and_says_simulated(tmp_path: Path) -> None:
    with mini_city(tmp_path / "home", at=APRIL) as city:
        for _ in range(10 * 144):
            city.step([credit])
        facts = list(city.cases.facts(0, 1 << 62))
        cases = [found(city, case["id"]) for case in city.cases.query(CaseQuery(list="all"), EVERYTHING).items]
    assert city.refused == []
    assert 6 < len(facts) < 40
    assert all(fact["simulated"] for fact in facts)
    assert all("模拟" in case["title"]["zh"] for case in cases)
    repaired = [case for case in cases if case["state"] == "closed"]
    assert repaired
    assert all(notice["receipt_at"] for case in repaired for notice in case["notices"])
    assert all(len(case["notices"]) == 3 for case in repaired)
