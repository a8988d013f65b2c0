"""How incidents are answered: those open, and tasks that were done within their limits."""

from quanyu.kernel.declare import Measure, indicator
from quanyu.kernel.time import calendar_days, hours

QUARTER = calendar_days(90)


@indicator(
    measures=[
        Measure(
            name="incidents_open",
            over="cases",
            fold="count",
            window=QUARTER,
            where="state == 'open' and kind == 'incident'",
        )
    ],
    zh="在处突发事件",
    en="Incidents in hand",
    unit="C62",
    owner="emergency.duty",
    every=hours(1),
    direction="lower",
    digits=0,
)
def incidents_in_hand(incidents_open: float) -> float:
    """Incidents that have not ended."""
    return incidents_open


@indicator(
    measures=[
        Measure(
            name="incident_tasks_late",
            over="cases",
            fold="share",
            window=QUARTER,
            where="kind == 'incident_task'",
            value="late > 0",
        )
    ],
    zh="处置任务按时率",
    en="Tasks of incidents in time",
    unit="P1",
    owner="emergency.duty",
    every=hours(1),
    direction="higher",
)
def incident_tasks_in_time(incident_tasks_late: float) -> float:
    """Tasks that did not run past their limit, of all of the quarter."""
    return 100 - 100 * incident_tasks_late
