"""An order from acceptance to call-back, and the standing case of a problem that keeps coming back.

The unit that gets an order first stays responsible: it may dispute, and answers for the order until that is decided.
"""

from quanyu.kernel.flow import (
    Field,
    dispute,
    extension,
    fixed,
    flow,
    no_action,
    not_ours,
    parameter,
    pause,
    planned,
    same_person,
    step,
)
from quanyu.kernel.time import working_days

ASKED = [
    Field("reached", "yes_no", True, "联系上市民", "Citizen reached", counted=True),
    Field("responded", "yes_no", False, "单位已联系市民", "Unit spoke to the citizen", counted=True),
    Field("solved", "yes_no", False, "诉求已解决", "Problem solved", counted=True),
    Field("satisfied", "yes_no", False, "对办理满意", "Satisfied", counted=True),
]
"""What the call-back asks; the three rates are counted from the answers of those who were reached."""

hotline_order = flow(
    "hotline_order",
    private=True,
    case="hotline",
    zh="热线工单",
    en="Hotline order",
    roles={"lead": ""},
    steps=[
        step("accept", by="clerk", within=parameter("hotline_accept_limit"), outcome=[no_action]),
        step("dispatch", by="dispatcher", within=parameter("hotline_dispatch_limit"), to="lead"),
        step("handle", by="lead", may=[dispute, pause("citizen_away")]),
        step("call_back", by="clerk", within=parameter("hotline_call_back_limit"), fields=ASKED),
        step(
            "close",
            by="duty",
            within=parameter("hotline_close_limit"),
            outcome=[fixed, planned, not_ours, no_action],
        ),
    ],
    overall=parameter("hotline_feedback_limit"),
    until="handle",
    extend=extension(parameter("hotline_extension")),
    escalate="city.director",
    escalate_after=working_days(5),
    confirm=working_days(3),
)

standing_problem = flow(
    "standing_problem",
    case="standing",
    zh="高频诉求治理",
    en="Frequent problem",
    roles={"lead": "", "check": "city.supervision"},
    steps=[
        step("accept", by="duty", within=parameter("standing_accept_limit")),
        step("dispatch", by="dispatcher", within=parameter("standing_accept_limit"), to="lead"),
        step(
            "plan",
            by="lead",
            within=parameter("standing_plan_limit"),
            fields=[
                Field("cause", "text", True, "根本原因", "Root cause"),
                Field("measures", "text", True, "治理措施", "Measures"),
            ],
            may=[dispute],
            zh="查明根因、制定方案",
            en="Find the cause and plan",
        ),
        step("handle", by="lead", zh="实施治理", en="Carry the plan out"),
        step("check", by="check", within=working_days(5), fails="handle", unless=same_person("handle")),
        step("close", by="duty", outcome=[fixed, planned, no_action]),
    ],
    overall=parameter("standing_overall_limit"),
    escalate="city.director",
)
