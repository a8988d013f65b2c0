"""How many pieces of bad information were repaired, and how often an objection was right."""

from quanyu.kernel.declare import Measure, indicator
from quanyu.kernel.time import calendar_days, hours

QUARTER = calendar_days(90)
CLOSED = "kind == 'credit' and closed_at is not None and closed_at >= start"


@indicator(
    measures=[
        Measure(
            name="records_repaired",
            over="cases",
            fold="count",
            window=QUARTER,
            where=f"{CLOSED} and outcome == 'fixed'",
        )
    ],
    zh="信用修复完成数",
    en="Credit repaired",
    unit="C62",
    owner="credit.office",
    every=hours(12),
    direction="higher",
    digits=0,
)
def credit_repaired(records_repaired: float) -> float:
    """Information whose withdrawal every consumer has answered, in 90 days; the ends at the maximum count too."""
    return records_repaired


@indicator(
    measures=[
        Measure(
            name="objections_upheld",
            over="cases",
            fold="share",
            window=QUARTER,
            where=f"{CLOSED} and data_upheld is not None",
            value="data_upheld",
        )
    ],
    zh="异议成立率",
    en="Objections upheld",
    unit="P1",
    owner="credit.office",
    every=hours(12),
    direction="lower",
)
def credit_objections_upheld(objections_upheld: float) -> float:
    """Information whose subject objected and was right, of what ended in 90 days after an objection."""
    return 100 * objections_upheld
