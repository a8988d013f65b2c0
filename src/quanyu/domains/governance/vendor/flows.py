"""What follows a breach, and the review that turns evidence into standing; both end with the receipts of its users.

The numbers of the rule step are the parameters of the score (params.toml): dated, with source and status, pinned by each
review. No law sets them; a city sets its own.
"""

from quanyu.kernel.flow import (
    Field,
    FlowClock,
    Gateway,
    fixed,
    flow,
    measurement,
    no_action,
    parameter,
    same_person,
    step,
)

SERVICE = "vendor_share_availability * availability + vendor_share_timeliness * timeliness"
CALM = "max(0, 100 - vendor_incident_points * incidents)"
FIGURES = (
    "vendor_share_availability", "vendor_share_timeliness", "vendor_share_incidents", "vendor_incident_points",
    "vendor_full_score", "vendor_weight_floor", "vendor_weight_ceiling",
)  # fmt: skip

vendor_breach = flow(
    "vendor_breach",
    private=True,
    case="vendor",
    zh="供应商违约与修复",
    en="A vendor's breach and its repair",
    roles={"office": "city.data", "reporter": ""},
    steps=[
        step(
            "accept", by="office", within=parameter("vendor_accept_limit"), zh="核对履约证据", en="Check the evidence"
        ),
        step(
            "hear",
            by="office",
            within=parameter("vendor_hear_limit"),
            fields=[Field("statement", "text", True, "供应商陈述", "Vendor's statement")],
            zh="听取供应商陈述",
            en="Hear the vendor",
        ),
        step(
            "judge",
            by="office",
            within=parameter("vendor_judge_limit"),
            fields=[
                Field("breach", "yes_no", True, "构成违约", "It is a breach", counted=True),
                Field(
                    "measure",
                    "choice",
                    False,
                    "惩戒措施",
                    "Sanction",
                    ("warning", "weight_down", "suspended"),
                    counted=True,
                ),
            ],
            zh="认定",
            en="Judge",
        ),
        step("drop", by="office", outcome=[no_action], ends=True, zh="不予惩戒,办结", en="No sanction: close"),
        step("sanction", kind="send", tells="vendor_standing", zh="通知惩戒", en="Tell the sanction"),
        step("mend", by="office", within=parameter("vendor_mend_limit"), zh="督促整改", en="See that it is mended"),
        step(
            "check",
            by="office",
            within=parameter("vendor_check_limit"),
            evidence=[measurement("availability")],
            unless=same_person("mend"),
            fails="mend",
            zh="复测",
            en="Measure again",
        ),
        step("lift", kind="send", tells="vendor_standing", zh="通知修复", en="Tell the repair"),
        step(
            "close", by="office", outcome=[fixed], ends=True, zh="回执齐全,信用修复", en="All receipts there: repaired"
        ),
    ],
    nodes=[Gateway("judged", "exclusive", "认定结果", "Result")],
    arrows=[
        ("", "accept"),
        ("accept", "hear"),
        ("hear", "judge"),
        ("judge", "judged"),
        ("judged", "sanction", "breach"),
        ("judged", "drop"),
        ("drop", ""),
        ("sanction", "mend"),
        ("mend", "check"),
        ("check", "lift"),
        ("lift", "close"),
        ("close", ""),
    ],
    clocks=[FlowClock("hearing", parameter("vendor_hear_limit"), until="hear", zh="陈述期", en="Time to be heard")],
    overall=parameter("vendor_overall_limit"),
    escalate="city.director",
)

vendor_review = flow(
    "vendor_review",
    private=True,
    case="vendor",
    zh="供应商履约评价",
    en="Review of a vendor",
    roles={"office": "city.data"},
    steps=[
        step(
            "collect_evidence",
            by="office",
            within=parameter("vendor_judge_limit"),
            fields=[
                Field("availability", "number", True, "可用率(%)", "Availability in percent", counted=True),
                Field("timeliness", "number", True, "按时响应率(%)", "Answered in time, in percent", counted=True),
                Field("incidents", "number", True, "事故数", "Incidents", counted=True),
            ],
            zh="汇集履约证据",
            en="Bring the evidence together",
        ),
        step(
            "score",
            kind="rule",
            sets={
                "points": f"({SERVICE} + vendor_share_incidents * {CALM}) / 100",
                "weight": "min(vendor_weight_ceiling, max(vendor_weight_floor, points / vendor_full_score))",
            },
            zh="计算得分与采购权重",
            en="Work out score and weight",
        ),
        step(
            "approve",
            by="office",
            within=parameter("vendor_judge_limit"),
            unless=same_person("collect_evidence"),
            fails="collect_evidence",
            zh="复核",
            en="Approve",
        ),
        step("publish", kind="send", tells="vendor_standing", zh="通知得分与权重", en="Tell score and weight"),
        step(
            "close", by="office", outcome=[fixed], ends=True, zh="回执齐全,评价生效", en="All receipts there: in force"
        ),
    ],
    arrows=[
        ("", "collect_evidence"),
        ("collect_evidence", "score"),
        ("score", "approve"),
        ("approve", "publish"),
        ("publish", "close"),
        ("close", ""),
    ],
    figures=[parameter(name) for name in FIGURES],
    overall=parameter("vendor_overall_limit"),
    escalate="city.director",
)
