"""The hotline's rates: calls answered, feedback in time, and what citizens said when they were called back."""

from quanyu.kernel.declare import Measure, indicator
from quanyu.kernel.time import calendar_days, hours

WEEK = calendar_days(7)
CLOSED = "flow == 'hotline_order' and closed_at is not None and closed_at >= start"
REACHED = f"{CLOSED} and data_reached"
EXCHANGE = "HotlineExchange"


def share_said(name: str, value: str) -> Measure:
    """Fold a yes-or-no of the call-backs of orders closed in seven days; only citizens who were reached count."""
    return Measure(name=name, over="cases", fold="share", window=WEEK, where=REACHED, value=value)


def calls(name: str, attribute: str) -> Measure:
    """Fold the exchange's hours of a day into one number."""
    return Measure(name=name, over="history", fold="sum", window=hours(24), type=EXCHANGE, attribute=attribute)


@indicator(
    measures=[share_said("orders_responded", "data_responded")],
    zh="响应率",
    en="Response rate",
    unit="P1",
    owner="hotline.centre",
    every=hours(1),
    direction="higher",
    band=("hotline_response_target", None),
)
def hotline_response(orders_responded: float) -> float:
    """Orders whose unit spoke to the citizen, of those closed in seven days whose citizen was reached."""
    return 100 * orders_responded


@indicator(
    measures=[share_said("orders_solved", "data_solved")],
    zh="解决率",
    en="Solution rate",
    unit="P1",
    owner="hotline.centre",
    every=hours(1),
    direction="higher",
    band=("hotline_solution_target", None),
)
def hotline_solution(orders_solved: float) -> float:
    """Orders that the citizen calls solved, of those closed in seven days whose citizen was reached."""
    return 100 * orders_solved


@indicator(
    measures=[share_said("orders_satisfied", "data_satisfied")],
    zh="满意率",
    en="Satisfaction rate",
    unit="P1",
    owner="hotline.centre",
    every=hours(1),
    direction="higher",
    band=("hotline_satisfaction_target", None),
)
def hotline_satisfaction(orders_satisfied: float) -> float:
    """Orders with whose handling the citizen is satisfied, of those closed in seven days whose citizen was reached."""
    return 100 * orders_satisfied


@indicator(
    measures=[
        Measure(
            name="orders_answered_in_time",
            over="cases",
            fold="share",
            window=WEEK,
            where=CLOSED,
            value="handled_on_time",
        )
    ],
    zh="按期反馈率",
    en="Feedback in time",
    unit="P1",
    owner="hotline.centre",
    every=hours(1),
    direction="higher",
    band=("hotline_response_target", None),
)
def hotline_feedback_in_time(orders_answered_in_time: float) -> float:
    """Orders whose feedback kept the limit printed on them, of all closed in seven days."""
    return 100 * orders_answered_in_time


@indicator(
    measures=[calls("calls_24h", "calls"), calls("connected_24h", "connected")],
    zh="接通率",
    en="Connection rate",
    unit="P1",
    owner="hotline.centre",
    every=hours(1),
    stale_after=hours(4),
    direction="higher",
    band=("hotline_connection_target", None),
)
def hotline_connection(calls_24h: float, connected_24h: float) -> float:
    """Calls that a person answered, of all in 24 hours; the target is a draft's figure, unverified."""
    return 100 * connected_24h / calls_24h


@indicator(
    measures=[calls("connected_24h", "connected"), calls("in_time_24h", "inTime")],
    zh="限时接听率",
    en="Calls answered in time",
    unit="P1",
    owner="hotline.centre",
    every=hours(1),
    stale_after=hours(4),
    direction="higher",
    band=("hotline_connection_target", None),
)
def hotline_answered_in_time(connected_24h: float, in_time_24h: float) -> float:
    """Calls answered within the limit in seconds, of those that a person answered in 24 hours."""
    return 100 * in_time_24h / connected_24h


@indicator(
    measures=[
        Measure(
            name="standing_open",
            over="cases",
            fold="count",
            window=calendar_days(90),
            where="flow == 'standing_problem' and state == 'open'",
        )
    ],
    zh="高频诉求在办",
    en="Frequent problems under treatment",
    unit="C62",
    owner="hotline.centre",
    every=hours(12),
    direction="lower",
    digits=0,
)
def standing_problems(standing_open: float) -> float:
    """Standing cases of frequent problems opened in the last 90 days that are not closed."""
    return standing_open
