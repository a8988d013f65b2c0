"""The seven stages of a grid case: collect, open, dispatch, handle, feed back, check on site, close.

A unit that is the wrong one returns the case once with a reason, and after that disputes it: a chief decides, the clock
runs on. What nobody owns goes to the office of its place; what cannot be solved now lies in the problem bank.
"""

from quanyu.kernel.flow import (
    dispute,
    extension,
    fixed,
    flow,
    no_action,
    not_ours,
    parameter,
    pause,
    photo,
    planned,
    return_once,
    same_person,
    step,
)
from quanyu.kernel.time import working_days

grid_case = flow(
    "grid_case",
    case="grid",
    zh="网格案件",
    en="Grid case",
    roles={"lead": "city.command", "check": "city.supervision"},
    steps=[
        step("collect", by="clerk", within=parameter("grid_collect_limit")),
        step("register", by="duty", within=parameter("grid_register_limit"), outcome=[not_ours, no_action]),
        step("dispatch", by="dispatcher", within=parameter("grid_dispatch_limit"), to="lead"),
        step(
            "handle",
            by="lead",
            within=parameter("grid_handle_limit"),
            evidence=[photo(1)],
            may=[return_once, dispute, pause("weather"), pause("material")],
        ),
        step("feedback", by="dispatcher", within=parameter("grid_feedback_limit")),
        step(
            "check",
            by="check",
            within=parameter("grid_check_limit"),
            fails="handle",
            unless=same_person("handle"),
        ),
        step("close", by="duty", outcome=[fixed, planned, not_ours, no_action]),
    ],
    overall=parameter("grid_overall_limit"),
    extend=extension(parameter("grid_extension")),
    amber=0.7,
    red=0.9,
    escalate="city.director",
    confirm=working_days(3),
)
