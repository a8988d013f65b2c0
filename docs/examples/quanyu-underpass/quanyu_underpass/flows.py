"""What is done about it."""

from quanyu.kernel.flow import fixed, flow, no_action, photo, step
from quanyu.kernel.time import hours, minutes

close_underpass = flow(
    "close_underpass", case="flood", zh="立交封控", en="Close the underpass",
    roles={"lead": "roads.traffic"},
    steps=[
        step("accept", by="duty", within=minutes(5)),
        step("dispatch", by="dispatcher", within=minutes(5), to="lead"),
        step("handle", by="lead", within=minutes(30), evidence=[photo(1)], zh="封路抽排", en="Close and pump"),
        step("close", by="duty", outcome=[fixed, no_action]),
    ],
    overall=hours(6), escalate="emergency.duty",
)
