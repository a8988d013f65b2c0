"""Three bundles: one form, one look through it, the offices side by side each within its own limit, one outcome.

An office that is not needed is passed by. Where one says no, the whole is refused with what each office said: nobody opens
a restaurant without its food licence.
"""

from collections.abc import Sequence
from typing import NamedTuple

from quanyu.kernel.flow import (
    Arrow,
    Boundary,
    Field,
    Flow,
    Gateway,
    Step,
    dispute,
    extension,
    flow,
    granted,
    parameter,
    refused,
    step,
)
from quanyu.kernel.time import working_days


class Part(NamedTuple):
    """An item inside a bundle: its step, the office, and the compared fact that makes it needed ("" always)."""

    step: str
    unit: str
    zh: str
    en: str
    needs: str = ""


def bundle(name: str, zh: str, en: str, parts: Sequence[Part]) -> Flow:
    """Return the flow of a bundle; each part's limit is the parameter `onething_limit_<bundle>_<step>`."""
    return flow(
        name,
        case="application",
        private=True,
        zh=zh,
        en=en,
        roles={"desk": "services.centre"} | {f"{part.step}_office": part.unit for part in parts},
        begins="accepted",
        deemed="silence",
        until="gather",
        steps=[
            step(
                "fill",
                by="applicant",
                form=name,
                within=parameter("application_draft_limit"),
                zh="填写一张表",
                en="Fill in one form",
            ),
            *_look(),
            *(_office(name, part) for part in parts),
            step(
                "gather",
                kind="rule",
                sets={"all_granted": _all_granted(parts)},
                zh="汇总结果",
                en="Bring results together",
            ),
            *_endings(),
        ],
        nodes=[
            Gateway("completed", "exclusive", "材料是否齐全", "Is it complete?"),
            Gateway("parted", "parallel", "并联办理", "Side by side"),
            *(
                Gateway(f"{part.step}_needed", "exclusive", f"是否需要{part.zh}", f"{part.en}: needed?")
                for part in parts
                if part.needs
            ),
            *(Gateway(f"{part.step}_over", "exclusive") for part in parts if part.needs),
            Gateway("joined", "parallel", "全部办完", "All done"),
            Gateway("judged", "exclusive", "汇总", "Together"),
        ],
        arrows=_arrows(parts),
        overall=parameter("joint_decide_limit"),
        extend=extension(parameter("joint_extension")),
        escalate="services.centre",
        escalate_after=working_days(1),
    )


def _look() -> list[Step]:
    return [
        step(
            "review",
            by="desk",
            within=parameter("licence_correction_limit"),
            fields=[
                Field("complete", "yes_no", True, "材料齐全、符合形式", "Complete and in due form", counted=True),
                Field(
                    "asked_for",
                    "text",
                    True,
                    "一次性告知需补正的全部内容",
                    "Everything that is missing, told at once",
                    when=("complete", False),
                ),
            ],
            boundary=[Boundary("silence", parameter("licence_correction_limit"), to="accepted")],
            zh="一窗受理审核",
            en="One desk looks through it",
        ),
        step(
            "correct",
            by="applicant",
            boundary=[Boundary("left", parameter("licence_supplement_limit"), to="accepted")],
            zh="申请人补正",
            en="Applicant brings corrections",
        ),
        step("accepted", kind="rule", sets={"is_accepted": "1 == 1"}, zh="受理", en="Accepted"),
    ]


def _office(name: str, part: Part) -> Step:
    return step(
        part.step,
        by=f"{part.step}_office",
        within=parameter(f"onething_limit_{name}_{part.step}"),
        fields=[
            Field(f"{part.step}_granted", "yes_no", True, f"{part.zh}:同意", f"{part.en}: granted", counted=True),
            Field(f"{part.step}_grounds", "text", False, "依据与理由", "Grounds"),
        ],
        may=[dispute],
        zh=part.zh,
        en=part.en,
    )


def _endings() -> list[Step]:
    return [
        step(
            "deliver",
            by="desk",
            within=parameter("licence_deliver_limit"),
            fields=[Field("licence", "text", False, "电子证照标识", "Ids of the electronic licences")],
            outcome=[granted],
            ends=True,
            zh="一次送达全部结果",
            en="Deliver everything at once",
        ),
        step(
            "refuse",
            by="desk",
            within=parameter("licence_deliver_limit"),
            outcome=[refused],
            ends=True,
            zh="送达不予许可决定(说明理由和救济途径)",
            en="Deliver the refusal with reason and remedy",
        ),
    ]


def _all_granted(parts: Sequence[Part]) -> str:
    """Unknown is not no: an office that was not needed has said nothing."""
    return " and ".join(
        f"({part.step}_granted or not {part.needs})" if part.needs else f"{part.step}_granted" for part in parts
    )


def _arrows(parts: Sequence[Part]) -> list[Arrow | tuple[str, str] | tuple[str, str, str]]:
    arrows: list[Arrow | tuple[str, str] | tuple[str, str, str]] = [
        ("", "fill"),
        ("fill", "review"),
        ("review", "completed"),
        ("completed", "correct", "not complete"),
        ("completed", "accepted"),
        ("correct", "accepted"),
        ("accepted", "parted"),
    ]
    for part in parts:
        if part.needs:
            needed, over = f"{part.step}_needed", f"{part.step}_over"
            arrows += [("parted", needed), (needed, part.step, part.needs), (needed, over)]
            arrows += [(part.step, over), (over, "joined")]
        else:
            arrows += [("parted", part.step), (part.step, "joined")]
    return [
        *arrows,
        ("joined", "gather"),
        ("gather", "judged"),
        ("judged", "deliver", "all_granted"),
        ("judged", "refuse"),
        ("deliver", ""),
        ("refuse", ""),
    ]


open_restaurant = bundle(
    "open_restaurant",
    "开办餐饮店",
    "Open a restaurant",
    [
        Part("food", "market.supervision", "食品经营许可", "Food business licence"),
        Part("sign", "streets.advertising", "户外招牌设置", "Shop sign", "needs_sign"),
        Part("fire", "fire.safety", "消防安全检查", "Fire safety check", "needs_fire_check"),
        Part("drain", "facilities.water", "污水排入排水管网", "Drain connection", "needs_drain"),
    ],
)
newborn = bundle(
    "newborn",
    "新生儿出生",
    "A child is born",
    [
        Part("household_entry", "registry.household", "出生登记落户", "Household registration"),
        Part("insurance", "medical.insurance", "居民医保参保", "Medical insurance", "wants_insurance"),
        Part("social_card", "social.insurance", "社会保障卡申领", "Social security card", "wants_card"),
    ],
)
road_excavation = bundle(
    "road_excavation",
    "占用挖掘道路",
    "Dig up a road",
    [
        Part("road", "roads.maintenance", "挖掘城市道路审批", "Permit to dig up the road"),
        Part("traffic", "roads.traffic", "占道交通组织意见", "Consent of traffic", "needs_traffic"),
        Part("green", "green.landscaping", "绿地树木意见", "Consent of green", "needs_trees"),
        Part("pipes", "facilities.gas", "管线安全意见", "Consent for the pipes", "needs_pipes"),
    ],
)
