"""The five scores of grid management over seven days, as shares of the cases that they are about; the problem bank."""

from quanyu.kernel.declare import Measure, indicator
from quanyu.kernel.time import calendar_days, hours

WEEK = calendar_days(7)
CLOSED = "flow == 'grid_case' and closed_at is not None and closed_at >= start"


def share_of_closed(name: str, value: str) -> Measure:
    """Fold a yes-or-no of the grid cases closed in seven days into the share of yes; unknown ones do not count."""
    return Measure(name=name, over="cases", fold="share", window=WEEK, where=CLOSED, value=value)


@indicator(
    measures=[share_of_closed("closed_on_time", "on_time")],
    zh="按期结案率",
    en="On-time closing",
    unit="P1",
    owner="city.command",
    every=hours(1),
    direction="higher",
    band=("grid_on_time_target", None),
    vital=7,
)
def on_time_closing(closed_on_time: float) -> float:
    """Cases closed within their limit, of all closed in seven days."""
    return 100 * closed_on_time


@indicator(
    measures=[share_of_closed("handled_in_time", "handled_on_time")],
    zh="按期处置率",
    en="On-time handling",
    unit="P1",
    owner="city.command",
    every=hours(1),
    direction="higher",
    band=("grid_on_time_target", None),
    vital=8,
)
def on_time_handling(handled_in_time: float) -> float:
    """Cases whose every handling kept the limit of its sub-class, of all closed in seven days."""
    return 100 * handled_in_time


@indicator(
    measures=[share_of_closed("reworked", "reworks > 0")],
    zh="返工率",
    en="Re-work",
    unit="P1",
    owner="city.supervision",
    every=hours(1),
    direction="lower",
    band=(None, "grid_rework_target"),
    vital=9,
)
def rework(reworked: float) -> float:
    """Cases that failed a check on site at least once (false closing), of all closed in seven days."""
    return 100 * reworked


@indicator(
    measures=[share_of_closed("right_at_first", "first_dispatch_right")],
    zh="首次派遣准确率",
    en="First-dispatch accuracy",
    unit="P1",
    owner="city.command",
    every=hours(1),
    direction="higher",
    band=("grid_first_dispatch_target", None),
    vital=10,
)
def first_dispatch_accuracy(right_at_first: float) -> float:
    """Cases that the first unit kept, of all closed in seven days."""
    return 100 * right_at_first


@indicator(
    measures=[
        Measure(
            name="found_by_supervisors",
            over="cases",
            fold="share",
            window=WEEK,
            where="flow == 'grid_case' and opened_at >= start",
            value="kind == 'grid_missed'",
        )
    ],
    zh="漏报率",
    en="Missed reports",
    unit="P1",
    owner="city.supervision",
    every=hours(1),
    direction="lower",
    band=(None, "grid_missed_target"),
)
def missed_reports(found_by_supervisors: float) -> float:
    """Cases that supervisors found and no collector had reported, of all opened in seven days."""
    return 100 * found_by_supervisors


@indicator(
    measures=[
        Measure(
            name="bank_unreviewed",
            over="cases",
            fold="count",
            window=calendar_days(90),
            where="flow == 'grid_case' and state == 'suspended' and review_at is not None and review_at < end",
        )
    ],
    zh="挂账逾期未复核",
    en="Suspended past their review",
    unit="C62",
    owner="city.supervision",
    every=hours(12),
    direction="lower",
    band=(None, "grid_bank_target"),
    digits=0,
)
def problem_bank_unreviewed(bank_unreviewed: float) -> float:
    """Cases in the problem bank, opened within 90 days, that nobody looked at again by the day they set themselves."""
    return bank_unreviewed
