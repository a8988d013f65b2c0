"""The way of a warning: its message is decided on by two persons, and each step here goes along with the message.

The times are the project's defaults. What a peer sends is looked at by the duty officer; nothing of it goes out by itself.
"""

from quanyu.kernel.flow import Field, flow, lifted, no_action, parameter, replaced, same_person, step

warning = flow(
    "warning",
    case="warning",
    zh="预警",
    en="Warning",
    roles={"warning_author": "", "warning_approver": ""},
    steps=[
        step(
            "draft",
            by="warning_author",
            within=parameter("warning_draft_limit"),
            outcome=[no_action],
            zh="编制",
            en="Draft",
        ),
        step(
            "approve",
            by="warning_approver",
            within=parameter("warning_approve_limit"),
            unless=same_person("draft"),
            fails="draft",
            zh="审批",
            en="Approve",
        ),
        step(
            "publish",
            by="warning_author",
            within=parameter("warning_publish_limit"),
            fails="draft",
            zh="发布",
            en="Publish",
        ),
        step("watch", by="warning_author", kind="receive", zh="在效值守", en="In force"),
        step(
            "review",
            by="warning_approver",
            within=parameter("warning_review_limit"),
            fields=[
                Field("lessons", "text", True, "复盘:送达情况与教训", "Looking back: who was reached, what was learnt")
            ],
            outcome=[lifted, replaced],
            zh="复盘",
            en="Review",
        ),
    ],
    overall=parameter("warning_overall_limit"),
    escalate="city.command",
)

warning_notice = flow(
    "warning_notice",
    case="warning",
    zh="外来预警研判",
    en="A peer's warning",
    roles={"warning_author": "", "warning_approver": "", "warning_peer": ""},
    steps=[
        step(
            "assess",
            by="warning_author",
            within=parameter("warning_notice_limit"),
            fields=[Field("assessment", "text", True, "研判意见", "What it means here")],
            zh="研判",
            en="Assess",
        ),
        step("close", by="warning_approver", outcome=[replaced, no_action], zh="办结", en="Close"),
    ],
    overall=parameter("warning_overall_limit"),
    escalate="city.command",
)
