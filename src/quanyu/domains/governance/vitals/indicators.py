"""Vital signs over all cases: stock, lateness, inflow against the usual, and speed."""

from quanyu.kernel.declare import Measure, indicator
from quanyu.kernel.time import calendar_days, hours, minutes

QUARTER = calendar_days(90)


@indicator(
    measures=[Measure(name="cases_open", over="cases", fold="count", window=QUARTER, where="state == 'open'")],
    zh="在办事件",
    en="Open cases",
    unit="C62",
    owner="city.command",
    every=minutes(15),
    direction="lower",
    band=(None, "open_cases_limit"),
    digits=0,
    lasting=hours(2),
    opens="restore_vital",
    vital=5,
)
def open_cases(cases_open: float) -> float:
    """Everything that is being worked on (opened within 90 days)."""
    return cases_open


@indicator(
    measures=[
        Measure(
            name="cases_late",
            over="cases",
            fold="share",
            window=QUARTER,
            where="state == 'open'",
            value="late > 0",
        )
    ],
    zh="超期件占比",
    en="Overdue share",
    unit="P1",
    owner="city.command",
    every=minutes(15),
    direction="lower",
    band=(None, "overdue_share_limit"),
    lasting=hours(2),
    opens="restore_vital",
    vital=6,
)
def overdue_share(cases_late: float) -> float:
    """Open cases past their limit, of all open ones."""
    return 100 * cases_late


@indicator(
    measures=[
        Measure(name="reports_day", over="cases", fold="count", window=hours(24), where="opened_at >= start"),
        Measure(name="reports_8_days", over="cases", fold="count", window=calendar_days(8), where="opened_at >= start"),
        Measure(
            name="days_known",
            over="cases",
            fold="max",
            window=calendar_days(8),
            where="opened_at >= start",
            value="(end - opened_at) / 86400000000",
        ),
    ],
    zh="今日上报与平日之比",
    en="Reports against usual",
    unit="P1",
    owner="city.command",
    every=hours(1),
    direction="band",
    band=(50, 160),
    digits=0,
    lasting=hours(2),
    opens="restore_vital",
    vital=11,
)
def reports_against_usual(reports_day: float, reports_8_days: float, days_known: float) -> float | None:
    """Cases opened in 24 hours, as a share of the mean day of the seven days before (at least two must be known)."""
    return 100 * reports_day * (days_known - 1) / (reports_8_days - reports_day) if days_known >= 3 else None


@indicator(
    measures=[
        Measure(
            name="hours_to_close",
            over="cases",
            fold="mean",
            window=calendar_days(7),
            where="closed_at is not None and closed_at >= start",
            value="(closed_at - opened_at) / 3600000000",
        )
    ],
    zh="平均办结用时",
    en="Mean time to close",
    unit="HUR",
    owner="city.command",
    every=hours(1),
    direction="lower",
    band=(None, "close_time_limit_h"),
    opens="restore_vital",
    lasting=hours(2),
    vital=12,
)
def time_to_close(hours_to_close: float) -> float:
    """Hours from opening to closing, mean of the cases closed in seven days."""
    return hours_to_close
