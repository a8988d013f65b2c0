"""When an underpass is dangerous."""

from quanyu.kernel.declare import rule
from quanyu.kernel.time import hours, minutes


@rule(
    on="UnderpassWater.depth", lasting=minutes(10), max_gap=hours(1), clears=0.5, severity="red",
    opens="close_underpass", zh="立交积水过深", en="Deep water in an underpass",
)
def deep_water(depth: float, underpass_depth_limit: float) -> bool:
    """Above the limit for ten minutes: close the road before a car drives in."""
    return depth > underpass_depth_limit
