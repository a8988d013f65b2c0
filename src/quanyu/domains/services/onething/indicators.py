"""How long a bundle takes from application to outcome, and how many are given up; a step's own cost stands in the process."""

from quanyu.kernel.declare import Measure, indicator
from quanyu.kernel.time import calendar_days, hours

MONTH = calendar_days(30)
BUNDLE = "(flow == 'open_restaurant' or flow == 'newborn' or flow == 'road_excavation')"
ENDED = f"{BUNDLE} and closed_at is not None and closed_at >= start"
DECIDED = f"{ENDED} and (outcome == 'granted' or outcome == 'refused')"


@indicator(
    measures=[
        Measure(
            name="bundle_days",
            over="cases",
            fold="mean",
            window=MONTH,
            where=DECIDED,
            value="(closed_at - opened_at) / 86400000000",
        )
    ],
    zh="一件事平均办结天数",
    en="Days to the outcome of a bundle",
    unit="DAY",
    owner="services.centre",
    every=hours(12),
    direction="lower",
    band=(None, "onething_days_target"),
)
def onething_days(bundle_days: float) -> float:
    """Mean days from the first page to the outcome, of bundles granted or refused in thirty days; nights count."""
    return bundle_days


@indicator(
    measures=[
        Measure(
            name="bundles_given_up",
            over="cases",
            fold="share",
            window=MONTH,
            where=ENDED,
            value="outcome == 'withdrawn' or outcome == 'lapsed'",
        )
    ],
    zh="一件事中途放弃占比",
    en="Bundles given up",
    unit="P1",
    owner="services.centre",
    every=hours(12),
    direction="lower",
    band=(None, "onething_drop_target"),
)
def onething_given_up(bundles_given_up: float) -> float:
    """Applications withdrawn or never handed in, of all that ended in thirty days."""
    return 100 * bundles_given_up
