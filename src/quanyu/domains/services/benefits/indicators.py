"""What became of offers, and how long a benefit takes from the event to the firm; never who opened a page."""

from quanyu.kernel.declare import Measure, indicator
from quanyu.kernel.time import calendar_days, hours

OFFERS = "(flow == 'policy_offer' or flow == 'policy_application')"
QUARTER = calendar_days(90)
ENDED = "closed_at is not None and closed_at >= start"


@indicator(
    measures=[
        Measure(
            name="offers_taken",
            over="cases",
            fold="share",
            window=QUARTER,
            where=f"{OFFERS} and {ENDED} and data_taken is not None",
            value="data_taken",
        )
    ],
    zh="推送采纳率",
    en="Offers taken",
    unit="P1",
    owner="services.enterprise",
    every=hours(12),
    direction="higher",
    band=("benefit_taken_target", None),
)
def benefit_offers_taken(offers_taken: float) -> float:
    """Offers that firms took, of those that they answered and that ended in ninety days."""
    return 100 * offers_taken


@indicator(
    measures=[
        Measure(
            name="direct_days",
            over="cases",
            fold="mean",
            window=QUARTER,
            where=f"flow == 'benefit_direct' and {ENDED} and outcome == 'granted'",
            value="(closed_at - opened_at) / 86400000000",
        )
    ],
    zh="免申即享兑付天数",
    en="Days to a benefit without application",
    unit="DAY",
    owner="services.enterprise",
    every=hours(12),
    direction="lower",
)
def benefit_direct_days(direct_days: float) -> float:
    """Mean days from the event to the benefit, of those given in ninety days; nights count."""
    return direct_days
