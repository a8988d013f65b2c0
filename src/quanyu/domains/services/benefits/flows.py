"""Offers that a firm takes or declines, with or without a form to fill in, and a benefit that comes without an application."""

from quanyu.kernel.flow import (
    Boundary,
    Field,
    Gateway,
    declined,
    flow,
    granted,
    no_action,
    parameter,
    same_person,
    step,
)

ASKING = (
    step(
        "check",
        by="office",
        within=parameter("benefit_check_limit"),
        fields=[Field("fits", "yes_no", True, "符合条件", "Conditions met", counted=True)],
        zh="核对条件",
        en="Check the conditions",
    ),
    step("drop", by="office", outcome=[no_action], ends=True, zh="不符合,办结", en="Not met: close"),
    step(
        "answer",
        by="applicant",
        fields=[Field("taken", "yes_no", True, "接受此项服务", "Take the offer", counted=True)],
        boundary=[Boundary("silent", parameter("benefit_answer_limit"), to="unanswered")],
        zh="企业答复",
        en="The firm answers",
    ),
    step("unanswered", by="office", outcome=[no_action], ends=True, zh="逾期未答复,办结", en="No answer: close"),
    step(
        "remember",
        by="machine",
        kind="receive",
        outcome=[declined],
        ends=True,
        zh="记住谢绝",
        en="Remember the refusal",
    ),
)
"""The office looks whether the conditions are met, the firm answers; silence ends it, and a refusal is remembered."""

GIVE = step(
    "give",
    by="office",
    within=parameter("benefit_pay_limit"),
    outcome=[granted, no_action],
    ends=True,
    zh="兑现服务",
    en="Give what was offered",
)

CHOICES = (Gateway("fitting", "exclusive", "是否符合", "Met?"), Gateway("answered", "exclusive", "答复", "Answer"))

policy_offer = flow(
    "policy_offer",
    case="offer",
    private=True,
    zh="政策服务推送",
    en="Offer to a firm",
    roles={"office": "services.enterprise", "machine": ""},
    steps=[
        *ASKING,
        GIVE,
    ],
    nodes=CHOICES,
    arrows=[
        ("", "check"),
        ("check", "fitting"),
        ("fitting", "answer", "fits"),
        ("fitting", "drop"),
        ("drop", ""),
        ("answer", "answered"),
        ("answered", "give", "taken"),
        ("answered", "remember"),
        ("unanswered", ""),
        ("remember", ""),
        ("give", ""),
    ],
    overall=parameter("benefit_overall_limit"),
    escalate="services.centre",
)

policy_application = flow(
    "policy_application",
    case="offer",
    private=True,
    zh="政策申请推送",
    en="Offer that is applied for",
    roles={"office": "services.enterprise", "machine": ""},
    steps=[
        *ASKING,
        step(
            "fill",
            by="applicant",
            form="hiring_support",
            boundary=[Boundary("unfilled", parameter("benefit_answer_limit"), to="unanswered")],
            zh="填写申请",
            en="Fill in the application",
        ),
        GIVE,
    ],
    nodes=CHOICES,
    arrows=[
        ("", "check"),
        ("check", "fitting"),
        ("fitting", "answer", "fits"),
        ("fitting", "drop"),
        ("drop", ""),
        ("answer", "answered"),
        ("answered", "fill", "taken"),
        ("answered", "remember"),
        ("unanswered", ""),
        ("remember", ""),
        ("fill", "give"),
        ("give", ""),
    ],
    overall=parameter("benefit_overall_limit"),
    escalate="services.centre",
)
"""Where the law asks for an application, taking the offer leads to its form; what registers hold is in it already."""

benefit_direct = flow(
    "benefit_direct",
    case="offer",
    private=True,
    zh="免申即享",
    en="Benefit without an application",
    roles={"office": "services.enterprise", "payer": "social.insurance"},
    steps=[
        step(
            "check",
            by="office",
            within=parameter("benefit_check_limit"),
            fields=[
                Field("fits", "yes_no", True, "登记数据支持", "Registers bear it out", counted=True),
                Field("evidence_read", "text", True, "所依据的登记与日期", "Registers and days that it rests on"),
            ],
            zh="核对登记数据",
            en="Check against registers",
        ),
        step("drop", by="office", outcome=[no_action], ends=True, zh="不符合,办结", en="Not met: close"),
        step(
            "give",
            by="payer",
            within=parameter("benefit_pay_limit"),
            unless=same_person("check"),
            fails="check",
            outcome=[granted],
            ends=True,
            zh="兑付",
            en="Give the benefit",
        ),
    ],
    nodes=[Gateway("fitting", "exclusive", "是否符合", "Met?")],
    arrows=[
        ("", "check"),
        ("check", "fitting"),
        ("fitting", "give", "fits"),
        ("fitting", "drop"),
        ("drop", ""),
        ("give", ""),
    ],
    overall=parameter("benefit_overall_limit"),
    escalate="services.centre",
)
"""Whoever checks does not pay: a benefit that nobody asked for needs two pairs of eyes."""
