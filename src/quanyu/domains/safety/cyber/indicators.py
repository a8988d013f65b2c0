"""Whether cyber incidents are reported within their hours, and how many weak spots are open."""

from quanyu.kernel.declare import Measure, indicator
from quanyu.kernel.time import calendar_days, hours

QUARTER = calendar_days(90)


@indicator(
    measures=[
        Measure(
            name="cyber_reports_late",
            over="cases",
            fold="share",
            window=QUARTER,
            where="kind == 'cyber_report'",
            value="late > 0",
        )
    ],
    zh="网络安全事件按时报告率",
    en="Cyber incidents reported in time",
    unit="P1",
    owner="cyber.office",
    every=hours(1),
    direction="higher",
)
def cyber_reports_in_time(cyber_reports_late: float) -> float:
    """Reports that did not run past their hours, of all of the quarter."""
    return 100 - 100 * cyber_reports_late


@indicator(
    measures=[
        Measure(
            name="cyber_tickets_open",
            over="cases",
            fold="count",
            window=QUARTER,
            where="state == 'open' and kind == 'cyber_ticket'",
        )
    ],
    zh="待整改漏洞",
    en="Weak spots to mend",
    unit="C62",
    owner="cyber.office",
    every=hours(1),
    direction="lower",
    digits=0,
)
def cyber_weak_spots(cyber_tickets_open: float) -> float:
    """Tickets of weak spots that are not mended."""
    return cyber_tickets_open
