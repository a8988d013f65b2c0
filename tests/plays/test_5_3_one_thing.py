"""Plays test_5_3_one_thing.md: a restaurant, from one form to one outcome, and what its process costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from quanyu.kernel.journal import Command
from tests.plays.stage import DAY_US, HOUR_US, Person, Play, Stage, playing

STORY = Path(__file__).with_suffix(".md")
FIRM = "firm:91350100M000100Y43"
ANSWERS = {
    "shop_name": "春和小馆", "meals": ["cold", "drinks"], "guests_inside": True, "seats": 20, "sets_sign": True,
    "sign_words": "春和小馆", "person_phone": "010-66880000",
}  # fmt: skip
OFFICES = {"food": "market.supervision", "sign": "streets.advertising", "fire": "fire.safety"}


class Cast:
    """Everybody in the play."""

    def __init__(self, stage: Stage) -> None:
        self.market = stage.person("registrar-market", "registrar", "market.supervision")
        self.housing = stage.person("registrar-housing", "registrar", "housing.safety")
        self.health = stage.person("registrar-health", "registrar", "health.services")
        self.clerk, self.chief = stage.person("clerk", "clerk"), stage.person("chief", "chief")
        self.desk = stage.person("desk", "handler", "services.centre")
        self.offices = {step: stage.person(f"officer-{step}", "handler", unit) for step, unit in OFFICES.items()}


def hold(registrar: Person, register: str, **values: Any) -> None:
    """Put what a department holds of the firm."""
    rows = [{"subject": FIRM, "values": values, "as_of": "2026-02-27", "source": "登记系统"}]
    said = registrar.send(f"/api/v1/registers/{register}", {"rows": rows})
    assert all(outcome.get("error") is None for outcome in said["outcomes"]), said


def registers(cast: Cast) -> None:
    hold(cast.market, "firms", **{
        "firm.name": "春和餐饮有限公司", "firm.credit_code": FIRM.partition(":")[2], "firm.legal_person": "王春和",
        "firm.in_business": True, "firm.registered_address": "春和路 1 号",
    })  # fmt: skip
    hold(cast.housing, "premises", **{
        "premises.address": "春和路 1 号一层", "premises.area_m2": 80, "premises.use": "commercial",
        "premises.right": "租赁 0001 号",
    })  # fmt: skip
    hold(cast.health, "health_certificates", **{"staff.health_certified": True})


def begin(stage: Stage) -> str:
    """Begin the firm's application at the counter."""
    body = {"flow": "open_restaurant", "title": {"zh": "开办春和小馆", "en": "Open Chunhe"}, "channel": "counter"}
    command = Command("case.open", "", body | {"subjects": [FIRM], "document": "营业执照正本"})
    receipt = stage.hub.commit_blocking([command], "person:clerk")
    stage.settle()
    return str(receipt.outcomes[0].subject)


def apply(stage: Stage, cast: Cast) -> str:
    id = begin(stage)
    photo = cast.clerk.photo()
    body = {"action": "save", "fields": ANSWERS | {"layout_plan": [photo["sha256"]]}, "files": [photo]}
    cast.clerk.send(f"/api/v1/cases/{id}/actions", body)
    return id


def says(cast: Cast, id: str, step: str, agreed: bool, grounds: str) -> None:
    """Let an office do its part."""
    fields: dict[str, Any] = {f"{step}_granted": agreed, f"{step}_grounds": grounds}
    cast.offices[step].does(id, step, **fields)


def one_form(stage: Stage, play: Play, cast: Cast) -> str:
    with play.step(1):
        registers(cast)
        rows = [{"subject": FIRM, "values": {"firm.name": "别名"}, "as_of": "2026-03-01", "source": "越权"}]
        token = stage.person("registrar-other", "registrar", "health.services")
        assert "access.denied" in stage_refusal(stage, token, rows)
    with play.step(2):
        asked = {"subjects": [FIRM], "proof": "营业执照正本"}
        form = cast.clerk.send("/api/v1/forms/open_restaurant/held", asked)
        held = {each["name"]: each for each in form["prefilled"]}
        assert held["firm_name"]["held"]["register"] == "firms"
        assert held["firm_name"]["held"]["as_of"] == "2026-02-27"
        assert len([each for each in held.values() if each["origin"] == "need"]) == 9
        assert not {page["name"] for page in form["pages"]} & held.keys()
    with play.step(3):
        early = begin(stage)
        problem = cast.clerk.is_refused(early, "fill")
        assert problem["code"] == "case.form_incomplete"
        assert all(
            name in problem["detail"] for name in ("shop_name", "meals", "guests_inside", "sets_sign", "person_phone")
        )
        cast.clerk.does(early, "withdraw", "改日再办")
        id = apply(stage, cast)
        case = cast.clerk.does(id, "fill")
        assert (case["step"], case["unit"]) == ("review", "services.centre")
        assert not case["begun"]
    return id


def stage_refusal(stage: Stage, person: Person, rows: list[dict[str, Any]]) -> str:
    """Try to put into a register that another office keeps; return what is said."""
    answer = stage.ask("POST", "/api/v1/registers/firms", person._token, json={"rows": rows})
    return answer.text


def side_by_side(stage: Stage, play: Play, cast: Cast, id: str) -> None:
    with play.step(4):
        stage.pass_time(HOUR_US)
        case = cast.desk.does(id, "review", "图纸缺尺寸", complete=False, asked_for="请补图纸尺寸")
        assert case["step"] == "correct"
        stage.pass_time(2 * DAY_US)
        cast.clerk.does(id, "correct", "已补")
        case = cast.chief.case(id)
        overall = next(clock for clock in case["clocks"] if clock["name"] == "overall")
        assert overall["limit"] == "45 working days"
        assert case["begun"]
    with play.step(5):
        assert {token["step"]: token["unit"] for token in case["tokens"]} == OFFICES
        states = {step["name"]: step["state"] for step in case["steps"]}
        assert states["drain"] == "passed_by"
        limits = {clock["limit"] for clock in case["clocks"] if clock["name"].startswith("step.")}
        assert {"10 working days", "5 working days", "8 working days"} <= limits
    with play.step(6):
        for days, step in ((1, "sign"), (2, "fire"), (3, "food")):
            stage.pass_time(days * DAY_US)
            says(cast, id, step, agreed=True, grounds="符合条件")
        case = cast.chief.case(id)
        assert [token["step"] for token in case["tokens"]] == ["deliver"]
        assert next(clock for clock in case["clocks"] if clock["name"] == "overall")["stopped"]
        case = cast.desk.does(id, "deliver", "三项许可一次送达", outcome="granted")
        assert (case["state"], case["outcome"]["word"], case["late"]) == ("closed", "granted", False)


def refusal_and_slimming(stage: Stage, play: Play, cast: Cast, id: str) -> str:
    with play.step(7):
        other = apply(stage, cast)
        cast.clerk.does(other, "fill")
        cast.desk.does(other, "review", complete=True)
        for step in OFFICES:
            stage.pass_time(DAY_US)
            says(cast, other, step, agreed=step != "fire", grounds="安全出口不足")
        assert cast.chief.case(other)["step"] == "refuse"
        assert cast.desk.is_refused(other, "refuse", outcome="refused")["code"] == "case.outcome_incomplete"
        note = "安全出口不足;整改后可重新申请,也可依法申请行政复议"
        assert cast.desk.does(other, "refuse", note, outcome="refused")["outcome"]["note"] == note
    with play.step(8):
        path = "/api/v1/services/open_restaurant/process"
        found = cast.chief.get(path, without="food")
        cost = {step["step"]: step for step in found["steps"]}
        assert (found["closed"], found["dropped"]) == (2, 1)
        assert cost["correct"]["days_median"] == 2
        assert cost["fill"]["dropped"] == 1
        assert found["without"]["saved_days_total"] == 3
        slim = cast.chief.get(path, without="fire")["without"]
        assert slim["examples"] == [[other, "fire_granted"]]
    return other


def test_a_restaurant_is_one_thing(tmp_path: Path) -> None:
    with playing(tmp_path / "home", STORY, "2026-03-02T09:00:00+08:00") as (stage, play):
        cast = Cast(stage)
        id = one_form(stage, play, cast)
        side_by_side(stage, play, cast, id)
        other = refusal_and_slimming(stage, play, cast, id)
        with play.step(9):
            readings = [each for each in stage.hub.journal_read(0, 10_000, {"personal.read"}) if each.subject == FIRM]
            assert {"firm.legal_person"} <= set(readings[-1].body["elements"])  # type: ignore[index]
            before = [cast.chief.case(each) for each in (id, other)]
            stage.restart()
            assert [cast.chief.case(each) for each in (id, other)] == before
