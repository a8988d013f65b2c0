"""A piece of bad information from its record to its repair, after the repair measures in force since 2026-04-01.

Recorded, published, eligible once the minimum is over, applied for, verified, decided; then publication, sharing and
sanctions end everywhere: every consumer is told and answers before the case may end. At the maximum publication ends by
itself. The subject may object at any time; an objection that is upheld withdraws the information too.

What is recorded of a person is sealed from the start and erased when the time to keep it is over, counted from the end of
the act; every consumer hears of that, too. What is recorded of a body ends with its publication.
"""

from quanyu.kernel.flow import (
    Boundary,
    Field,
    FlowClock,
    Gateway,
    Keeping,
    Step,
    fixed,
    flow,
    no_action,
    parameter,
    same_person,
    step,
)
from quanyu.kernel.time import working_days

EXPIRY = Boundary("maximum", parameter("credit_maximum"), to="withdraw", since="counted_from")
"""At the maximum publication stops by itself, whatever stage the repair has reached."""


def recording(subject: str, *more: Field, personal: bool = False) -> Step:
    """Return the step that records the information of one kind of subject."""
    return step(
        "record",
        by="office",
        within=parameter("credit_record_limit"),
        fields=[
            Field(
                "document", "text", True, "文书文号", "Number of the document", counted=not personal, personal=personal
            ),
            Field("counted_from", "date", True, "公示起算日(文书确定)", "Date from which periods count, fixed by it"),
            *more,
            Field("subject_kind", "choice", True, "主体类型", "Kind of subject", (subject,)),
            Field("published", "yes_no", True, "是否公示", "Published"),
        ],
        zh="登记失信信息",
        en="Record the information",
    )


COURSE = [
    step(
        "published_on",
        by="office",
        fields=[Field("reorganised", "yes_no", True, "法院裁定批准重整", "Reorganisation approved by a court")],
        boundary=[Boundary("minimum", parameter("credit_minimum"), to="apply", since="counted_from")],
        zh="公示中(未满最短期)",
        en="Published, minimum not over",
    ),
    step(
        "apply",
        by="reporter",
        fields=[
            Field("corrected", "yes_no", True, "已纠正失信行为", "Act corrected"),
            Field("duty_done", "yes_no", True, "已履行全部义务", "All duties fulfilled"),
            Field("committed", "yes_no", True, "已作出公开信用承诺", "Public commitment made"),
        ],
        boundary=[EXPIRY],
        zh="申请修复",
        en="Apply for repair",
    ),
    step(
        "verify",
        by="office",
        within=parameter("credit_verify_limit"),
        boundary=[EXPIRY],
        zh="核实申请材料",
        en="Verify the application",
    ),
    step(
        "decide",
        by="office",
        within=parameter("credit_decide_limit"),
        unless=same_person("verify"),
        fails="apply",
        boundary=[EXPIRY],
        zh="决定:予以修复或不予修复",
        en="Decide: repaired or refused",
    ),
    step("withdraw", kind="send", tells="credit_withdrawn", zh="通知各方撤下", en="Tell every consumer to withdraw"),
    step("close", by="office", outcome=[fixed], ends=True, zh="回执齐全,修复完成", en="All receipts there: repaired"),
    step("object", by="reporter", kind="receive", zh="提出异议", en="Object"),
    step(
        "answer",
        by="office",
        within=parameter("credit_objection_limit"),
        fields=[Field("upheld", "yes_no", True, "异议成立", "Objection upheld", counted=True)],
        zh="答复异议",
        en="Answer the objection",
    ),
    step("cancel", kind="send", tells="credit_withdrawn", zh="通知各方更正", en="Tell every consumer to correct"),
    step("cancelled", by="office", outcome=[fixed, no_action], ends=True, zh="更正完成", en="Correction complete"),
]
"""What follows the record, whoever the subject is."""

NODES = [
    Gateway("begin", "parallel"),
    Gateway("grade", "exclusive", "失信等级", "Grade"),
    Gateway("early", "exclusive", "提前申请", "Early application"),
    Gateway("eligible", "exclusive", "修复条件", "Conditions of repair"),
    Gateway("heard", "exclusive", "异议结果", "Result of the objection"),
]

ARROWS: list[tuple[str, str] | tuple[str, str, str]] = [
    ("", "record"),
    ("record", "begin"),
    ("begin", "grade"),
    ("grade", "apply", "category == 'minor'"),
    ("grade", "published_on"),
    ("published_on", "early"),
    ("early", "apply", "reorganised"),
    ("apply", "eligible"),
    ("eligible", "verify", "corrected and duty_done and committed"),
    ("verify", "decide"),
    ("decide", "withdraw"),
    ("withdraw", "close"),
    ("close", ""),
    ("begin", "object"),
    ("object", "answer"),
    ("answer", "heard"),
    ("heard", "cancel", "upheld"),
    ("heard", "object"),
    ("cancel", "cancelled"),
    ("cancelled", ""),
]

CLOCKS = [
    FlowClock("publication", parameter("credit_maximum"), "counted_from", zh="最长公示期", en="Longest publication")
]

credit_record = flow(
    "credit_record",
    private=True,
    case="credit",
    zh="失信信息与修复",
    en="Bad information and its repair",
    roles={"office": "credit.office", "reporter": ""},
    steps=[recording("body"), *COURSE],
    nodes=NODES,
    arrows=ARROWS,
    clocks=CLOCKS,
    overall=parameter("credit_overall_limit"),
    escalate="credit.office",
    escalate_after=working_days(5),
)

ACT_ENDED = Field("act_ended", "date", True, "不良行为终止日", "Day on which the act ended")

credit_person = flow(
    "credit_person",
    private=True,
    case="credit",
    zh="个人失信信息与修复",
    en="Bad information of a person and its repair",
    roles={"office": "credit.office", "reporter": ""},
    steps=[recording("person", ACT_ENDED, personal=True), *COURSE],
    nodes=NODES,
    arrows=ARROWS,
    clocks=CLOCKS,
    overall=parameter("credit_overall_limit"),
    escalate="credit.office",
    escalate_after=working_days(5),
    keeps=Keeping(parameter("credit_keep_person"), since="act_ended", tells="credit_erased"),
)
