"""When a problem is no longer a single order."""

from quanyu.kernel.declare import recurrence

frequent_problem = recurrence(
    "frequent_problem",
    flow="hotline_order",
    by=("class", "grid"),
    count="hotline_frequent_count",
    days="hotline_frequent_days",
    opens="standing_problem",
    severity="orange",
    zh="同地同类诉求反复出现",
    en="The same problem in the same place, again and again",
    doc="Answering each order anew leaves the cause where it is: the problem gets a case and an owner of its own.",
)
