"""What follows an air alarm: find the source and check that it stopped; or mend the station."""

from quanyu.kernel.flow import dispute as disputed
from quanyu.kernel.flow import (
    fixed,
    flow,
    measurement,
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
from quanyu.kernel.time import hours, minutes, working_days

inspect_source = flow(
    "inspect_source",
    case="alarm",
    zh="污染源排查",
    en="Inspect the source",
    roles={"lead": "ecology.enforcement", "check": "ecology.supervision"},
    steps=[
        step("accept", by="duty", within=minutes(30), may=[disputed]),
        step("dispatch", by="dispatcher", within=hours(1), to="lead"),
        step(
            "inspect",
            by="lead",
            within=parameter("inspect_limit"),
            evidence=[photo(2), measurement("pm25")],
            may=[return_once, pause("weather")],
        ),
        step("check", by="check", within=working_days(2), unless=same_person("inspect")),
        step("close", by="duty", outcome=[fixed, planned, not_ours, no_action]),
    ],
    overall=working_days(5),
    amber=0.7,
    red=0.9,
    escalate="ecology.director",
)

mend_station = flow(
    "mend_station",
    case="equipment",
    zh="监测设备检修",
    en="Mend the station",
    roles={"lead": "ecology.monitoring"},
    steps=[
        step("accept", by="duty", within=hours(4)),
        step("dispatch", by="dispatcher", within=hours(4), to="lead"),
        step("handle", by="lead", within=parameter("mend_limit"), may=[return_once, pause("weather")]),
        step("close", by="duty", outcome=[fixed, planned, no_action]),
    ],
    overall=working_days(10),
    escalate="ecology.director",
)
