"""Plays test_5_1_items.md: catalogue, fill once, unattended decision, silence, extension, refusal, correction, lapse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from quanyu.assembly.importing import import_files
from quanyu.kernel.identifier import make_licence_id, parse_licence_id
from quanyu.kernel.journal import Command
from tests.plays.stage import DAY_US, HOUR_US, Person, Play, Stage, playing

STORY = Path(__file__).with_suffix(".md")
FIRM, RESIDENT = "firm:91350100M000100Y43", "person:wang"
HEADER = "department,main_item,item_name,item_code,area_code,task_type,department_code\n"
ROWS = (
    "区城管局,未分类,户外招牌设置,511A0123401000-110101000000-000-11100000MB03271699-1-00,110101000000,1,11100000MB03271699\n"
    "区公安局,户籍,户籍证明,X-000001,110101000000,20,11100000MB03271699\n"
    "区公安局,户籍,户籍证明副本,X-000001,110101000000,20,11100000MB03271699\n"
)


class Cast:
    """Everybody in the play."""

    def __init__(self, stage: Stage) -> None:
        self.clerk, self.chief = stage.person("clerk", "clerk"), stage.person("chief", "chief")
        self.registrar = stage.person("registrar", "registrar", "registry.household")
        self.household = stage.person("household", "handler", "registry.household")
        self.signs = stage.person("signs", "handler", "streets.advertising")


def begin(stage: Stage, flow: str, subject: str) -> str:
    """Begin an application at the counter, a document was seen."""
    body = {"flow": flow, "text": flow, "channel": "counter", "subjects": [subject], "document": "身份证件"}
    receipt = stage.hub.commit_blocking([Command("case.open", "", body)], "person:clerk")
    stage.settle()
    return str(receipt.outcomes[0].subject)


def applied(stage: Stage, clerk: Person, flow: str, subject: str, **answers: Any) -> dict[str, Any]:
    """Fill in and hand in; return the case."""
    id = begin(stage, flow, subject)
    files = [clerk.photo()] if "sign_drawing" in answers else []
    if files:
        answers["sign_drawing"] = [files[0]["sha256"]]
    clerk.send(f"/api/v1/cases/{id}/actions", {"action": "save", "fields": answers, "files": files})
    clerk.does(id, "fill")
    return clerk.case(id)


def hold(stage: Stage) -> None:
    """Put what the registers hold; that only their owners may is told in play 5.3."""
    held: dict[tuple[str, str], dict[str, Any]] = {
        (RESIDENT, "residents"): {"person.name": "王芳", "person.citizen_id": "11010519491231002X",
                                  "person.address": "春和路 9 号", "person.registered": True},
        (FIRM, "firms"): {"firm.name": "春和商行", "firm.credit_code": FIRM.partition(":")[2], "firm.in_business": True},
        (FIRM, "premises"): {"premises.address": "春和路 1 号", "premises.use": "commercial"},
    }  # fmt: skip
    commands = [
        Command(
            "register.put",
            subject,
            {"register": register, "values": values, "as_of": "2026-02-27", "source": "登记系统"},
        )
        for (subject, register), values in held.items()
    ]
    stage.hub.commit_blocking(commands, "system:test")


def catalogue(stage: Stage, play: Play, cast: Cast, home: Path) -> None:
    with play.step(1):
        file = home / "items.csv"
        file.write_text(HEADER + ROWS, encoding="utf-8")
        source = next(each for pack in stage.hub.packs for each in pack.sources if each.name == "items")
        report = import_files(
            stage.hub, stage.hub.city, source, [file], "history", home / "rejects.csv", lambda name, share: None
        )
        assert (report.rows, report.entities, report.rejected, report.doubts) == (3, 2, 1, 1)
        assert "stands on line 3 already" in (home / "rejects.csv").read_text("utf-8")
        assert "items.csv,3,item_code" in Path(str(report.doubt_file)).read_text("utf-8")
        found = cast.clerk.get("/api/v1/entities", type="ServiceItem")["items"]
        assert {each["name"]["value"]["zh"] for each in found} == {"户外招牌设置", "户籍证明"}


def at_once(stage: Stage, play: Play, cast: Cast) -> None:
    with play.step(2):
        hold(stage)
        case = applied(stage, cast.clerk, "residence_proof", RESIDENT, used_for="入学", person_phone="010-66880000")
        assert (case["state"], case["outcome"]["word"]) == ("closed", "granted")
        assert "户籍登记有效" in case["outcome"]["note"]
        last = case["actions"][-1]
        assert (last["actor"], last["action"]) == ("engine:unattended", "issue")
        held = case["application"]["handed_in"][0]["held"]
        assert {line["register"] for line in held} == {"residents"}


def _overall(case: dict[str, Any]) -> dict[str, Any]:
    return next(clock for clock in case["clocks"] if clock["name"] == "overall")


def at_the_desk(stage: Stage, play: Play, cast: Cast) -> None:
    answers = {
        "sign_text": "春和",
        "above_own_front": True,
        "lit": True,
        "sign_drawing": True,
        "person_phone": "010-66880000",
    }
    with play.step(3):
        id = applied(stage, cast.clerk, "shop_sign", FIRM, **answers)["id"]
        case = cast.chief.case(id)
        assert (case["step"], case["unit"], case["begun"]) == ("review", "streets.advertising", False)
        received = case["actions"][-1]["at"]
        stage.pass_time(6 * DAY_US)
        assert cast.chief.case(id)["step"] == "review"
        stage.pass_time(2 * DAY_US)
        case = cast.chief.case(id)
        assert (case["step"], case["begun"]) == ("decide", True)
        overall = _overall(case)
        # Silence has used up the whole limit: acceptance counts from the day of receipt.
        assert (overall["limit"], overall["start"], overall["light"]) == ("5 working days", received, "overdue")
        assert cast.signs.is_refused(id, "extend", "需会同街道踏勘")["code"] == "case.extension_late"
    with play.step(4):
        id = applied(stage, cast.clerk, "shop_sign", FIRM, **answers)["id"]
        cast.signs.does(id, "review", complete=True)
        overall = _overall(cast.chief.case(id))
        cast.signs.does(id, "extend", "需会同街道踏勘")
        before = overall["due"]
        case = cast.chief.does(id, "decide_extension", "同意", decision="granted")
        assert _overall(case)["due"] > before
        cast.signs.does(id, "decide", grant=True, grounds="符合规定")
        licence = str(make_licence_id("11100000MB03271699001", "11100000MB03271699", "000000001"))
        case = cast.signs.does(id, "deliver", "证照已送达", licence=licence, outcome="granted")
        assert (case["state"], case["late"]) == ("closed", False)
        assert parse_licence_id(case["actions"][-1]["fields"]["licence"]).serial == "000000001"
    with play.step(5):
        other = applied(stage, cast.clerk, "shop_sign", FIRM, **answers)["id"]
        cast.signs.does(other, "review", complete=True)
        cast.signs.does(other, "decide", grant=False, grounds="亮度超出规定")
        assert cast.signs.is_refused(other, "refuse", outcome="refused")["code"] == "case.outcome_incomplete"
        assert (
            cast.signs.does(other, "refuse", "亮度超出规定;可改后重新申请或申请复议", outcome="refused")["state"]
            == "closed"
        )


def wrong_record(stage: Stage, play: Play, cast: Cast) -> None:
    with play.step(6):
        id = begin(stage, "residence_proof", RESIDENT)
        cast.clerk.does(id, "contradict", "去年搬家", name="person_address", right=False)
        answers = {"person_address": "云杉路 2 号", "used_for": "入学", "person_phone": "010-66880000"}
        cast.clerk.send(f"/api/v1/cases/{id}/actions", {"action": "save", "fields": answers})
        assert cast.clerk.does(id, "fill")["state"] in ("open", "closed")
        assert cast.clerk.case(id)["application"]["contradicted"] == ["person_address"]
        body = {"flow": "register_correction", "text": "户籍地址已变更", "units": {"owner": "registry.household"}}
        receipt = stage.hub.commit_blocking([Command("case.open", "", body)], "person:clerk")
        correction = str(receipt.outcomes[0].subject)
        stage.settle()
        assert correction in cast.household.list("mine")
    with play.step(7):
        stage.pass_time(HOUR_US)
        cast.household.does(correction, "verify", wrong=True)
        rows = {"register": "residents", "values": {"person.address": "云杉路 2 号"}, "as_of": "2026-03-01",
                "reason": "居民申请更正", "case": correction}  # fmt: skip
        stage.hub.commit_blocking([Command("register.correct", RESIDENT, rows)], "person:registrar")
        case = cast.household.does(correction, "close", "已更正", outcome="corrected")
        assert case["state"] == "closed"
        form = cast.clerk.send("/api/v1/forms/residence_proof/held", {"subjects": [RESIDENT], "proof": "身份证"})
        assert next(each for each in form["prefilled"] if each["name"] == "person_address")["shown"] == "云杉路 2 号"


def come_to_nothing(stage: Stage, play: Play, cast: Cast) -> None:
    with play.step(8):
        id = begin(stage, "residence_proof", RESIDENT)
        assert cast.clerk.does(id, "withdraw", "不办了")["outcome"]["word"] == "withdrawn"
        draft = begin(stage, "residence_proof", RESIDENT)
        cast.clerk.send(
            f"/api/v1/cases/{draft}/actions", {"action": "save", "fields": {"person_phone": "010-66880001"}}
        )
        stage.pass_time(32 * DAY_US)
        case = cast.clerk.case(draft)
        assert (case["state"], case["outcome"]["word"]) == ("closed", "lapsed")
        assert b"66880001" not in b"".join(file.read_bytes() for file in stage.hub.home.glob("quanyu.db*"))


def test_single_items(tmp_path: Path) -> None:
    with playing(tmp_path / "home", STORY, "2026-03-02T09:00:00+08:00") as (stage, play):
        cast = Cast(stage)
        catalogue(stage, play, cast, tmp_path)
        at_once(stage, play, cast)
        at_the_desk(stage, play, cast)
        wrong_record(stage, play, cast)
        come_to_nothing(stage, play, cast)
