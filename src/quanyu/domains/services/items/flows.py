"""A licence from its first page to its delivery, after the Administrative Licensing Law, and the mending of a record.

What is missing is asked for once, within five days; silence counts as acceptance on the day of receipt. Where the
comparison of answers and registers suffices, nobody at a desk decides: the hub does, and says what it compared. A
refusal says why and what helps.
"""

from collections.abc import Sequence

from quanyu.kernel.flow import (
    Arrow,
    Boundary,
    Field,
    Flow,
    Gateway,
    Step,
    corrected,
    extension,
    flow,
    granted,
    no_action,
    parameter,
    refused,
    step,
)
from quanyu.kernel.time import working_days

COMPLETE = Field("complete", "yes_no", True, "材料齐全、符合形式", "Complete and in due form", counted=True)
ASKED_FOR = Field(
    "asked_for", "text", True, "一次性告知需补正的全部内容", "Everything that is missing, told at once",
    when=("complete", False),
)  # fmt: skip
GRANT = Field("grant", "yes_no", True, "准予", "Grant", counted=True)
GROUNDS = Field("grounds", "text", True, "依据与理由", "Grounds")
LICENCE = Field("licence", "text", False, "电子证照标识", "Id of the electronic licence")


def licence(name: str, zh: str, en: str, unit: str, *, decide: str, unattended: str | None = None) -> Flow:
    """Return the flow of a single item whose form bears its name; `unattended` is what must hold for nobody to decide.

    `decide` is the parameter of the time to decide. The overall clock begins with acceptance.
    """
    gateway = [Gateway("compared", "exclusive", "数据比对", "Comparison of data")] if unattended else []
    first: Sequence[Arrow | tuple[str, str] | tuple[str, str, str]] = (
        [("fill", "compared"), ("compared", "issue", unattended), ("compared", "review"), ("issue", "")]
        if unattended
        else [("fill", "review")]
    )
    return flow(
        name,
        case="application",
        private=True,
        zh=zh,
        en=en,
        roles={"office": unit} | ({"machine": ""} if unattended else {}),
        begins="accepted",
        deemed="silence",
        until="decide",
        steps=[
            step(
                "fill",
                by="applicant",
                form=name,
                within=parameter("application_draft_limit"),
                zh="填写申请",
                en="Fill in the application",
            ),
            *([_issue()] if unattended else []),
            *_accepting(),
            *_deciding(),
        ],
        nodes=[*gateway, COMPLETED, Gateway("decided", "exclusive", "决定", "Decision")],
        arrows=[
            ("", "fill"),
            *first,
            *ACCEPTING,
            ("accepted", "decide"),
            ("decide", "decided"),
            ("decided", "deliver", "grant"),
            ("decided", "refuse"),
            ("deliver", ""),
            ("refuse", ""),
        ],
        overall=parameter(decide),
        extend=extension(parameter("licence_extension")),
        escalate="services.centre",
        escalate_after=working_days(1),
    )


def _deciding() -> list[Step]:
    """Return the steps from the decision to its delivery."""
    return [
        step(
            "decide",
            by="office",
            fields=[GRANT, GROUNDS],
            extend=extension(parameter("licence_extension")),
            zh="审查并决定",
            en="Examine and decide",
        ),
        step(
            "deliver",
            by="office",
            within=parameter("licence_deliver_limit"),
            fields=[LICENCE],
            outcome=[granted],
            ends=True,
            zh="制证送达",
            en="Issue and deliver",
        ),
        step(
            "refuse",
            by="office",
            within=parameter("licence_deliver_limit"),
            outcome=[refused],
            ends=True,
            zh="送达不予许可决定(说明理由和救济途径)",
            en="Deliver the refusal with reason and remedy",
        ),
    ]


def _issue() -> Step:
    return step(
        "issue",
        by="machine",
        kind="receive",
        outcome=[granted],
        ends=True,
        zh="数据比对通过,无人工干预办结",
        en="Decided by comparison of data, nobody attending",
    )


def _accepting() -> list[Step]:
    """Return the steps from what was handed in to acceptance."""
    return [
        step(
            "review",
            by="office",
            within=parameter("licence_correction_limit"),
            fields=[COMPLETE, ASKED_FOR],
            boundary=[Boundary("silence", parameter("licence_correction_limit"), to="accepted")],
            zh="审核材料",
            en="Look whether it is complete",
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


COMPLETED = Gateway("completed", "exclusive", "材料是否齐全", "Is it complete?")
ACCEPTING = (
    ("review", "completed"),
    ("completed", "correct", "not complete"),
    ("completed", "accepted"),
    ("correct", "accepted"),
)

shop_sign = licence(
    "shop_sign",
    "户外招牌设置",
    "Shop sign",
    "streets.advertising",
    decide="licence_decide_limit_shop_sign",
    unattended="within_own_front and use_fits",
)
food_licence = licence(
    "food_licence",
    "食品经营许可",
    "Food business licence",
    "market.supervision",
    decide="licence_decide_limit_food_licence",
)
residence_proof = licence(
    "residence_proof",
    "户籍信息证明",
    "Proof of household registration",
    "registry.household",
    decide="licence_decide_limit_residence_proof",
    unattended="record_agrees",
)

register_correction = flow(
    "register_correction",
    case="correction",
    private=True,
    zh="登记信息更正",
    en="Correction of a record",
    roles={"owner": ""},
    steps=[
        step(
            "verify",
            by="owner",
            within=parameter("register_correction_limit"),
            fields=[Field("wrong", "yes_no", True, "登记有误", "The record is wrong", counted=True)],
            zh="核实登记信息",
            en="Verify the record",
        ),
        step("close", by="owner", outcome=[corrected, no_action], zh="更正或说明", en="Correct, or say why it stands"),
    ],
    overall=parameter("register_correction_limit"),
    escalate="services.centre",
)
