"""Applications on time, how often something was missing, and how often a record was wrong; never who looked at a page."""

from quanyu.kernel.declare import Measure, indicator
from quanyu.kernel.time import calendar_days, hours

MONTH = calendar_days(30)
ENDED = "kind == 'application' and closed_at is not None and closed_at >= start"
DECIDED = f"{ENDED} and (outcome == 'granted' or outcome == 'refused')"
CORRECTED = "flow == 'register_correction' and closed_at is not None and closed_at >= start"


@indicator(
    measures=[
        Measure(name="applications_kept", over="cases", fold="share", window=MONTH, where=DECIDED, value="on_time")
    ],
    zh="申请按期办结率",
    en="Applications decided on time",
    unit="P1",
    owner="services.centre",
    every=hours(12),
    direction="higher",
    band=("item_on_time_target", None),
)
def applications_on_time(applications_kept: float) -> float:
    """Applications decided within their limit, of all granted or refused in thirty days."""
    return 100 * applications_kept


@indicator(
    measures=[
        Measure(
            name="applications_incomplete",
            over="cases",
            fold="share",
            window=MONTH,
            where=f"{DECIDED} and data_complete is not None",
            value="not data_complete",
        )
    ],
    zh="需补正申请占比",
    en="Applications that needed a correction",
    unit="P1",
    owner="services.centre",
    every=hours(12),
    direction="lower",
    band=(None, "item_correction_target"),
)
def applications_corrected(applications_incomplete: float) -> float:
    """Applications of which something was missing, of all that somebody looked through: a form that asks unclearly."""
    return 100 * applications_incomplete


@indicator(
    measures=[
        Measure(
            name="records_found_wrong",
            over="cases",
            fold="share",
            window=calendar_days(90),
            where=f"{CORRECTED} and data_wrong is not None",
            value="data_wrong",
        )
    ],
    zh="登记信息有误占比",
    en="Records that were wrong",
    unit="P1",
    owner="services.centre",
    every=hours(12),
    direction="lower",
    band=(None, "item_wrong_record_target"),
)
def records_wrong(records_found_wrong: float) -> float:
    """Objections to what a register holds that were right, of those answered in ninety days."""
    return 100 * records_found_wrong
