"""What follows when a vital sign leaves its band: somebody finds out why and says what is done."""

from quanyu.kernel.flow import fixed, flow, no_action, planned, step
from quanyu.kernel.time import hours, working_days

restore_vital = flow(
    "restore_vital",
    case="vital",
    zh="体征异常处置",
    en="Restore a vital sign",
    roles={"lead": "city.command"},
    steps=[
        step("accept", by="duty", within=hours(2)),
        step("dispatch", by="dispatcher", within=hours(2), to="lead"),
        step("handle", by="lead", within=working_days(2), zh="查明原因", en="Find the cause"),
        step("close", by="duty", outcome=[fixed, planned, no_action]),
    ],
    overall=working_days(3),
    escalate="city.director",
)

mend_rule = flow(
    "mend_rule",
    case="rule_loop",
    zh="规则循环处置",
    en="Mend a rule that causes itself",
    roles={"lead": "city.command"},
    steps=[
        step("accept", by="duty", within=hours(2)),
        step("dispatch", by="dispatcher", within=hours(2), to="lead"),
        step("mend", by="lead", within=working_days(2), zh="修正或停用规则", en="Mend or withdraw the rule"),
        step("close", by="duty", outcome=[fixed, planned, no_action]),
    ],
    overall=working_days(3),
    escalate="city.director",
)
