"""When a vendor does not do what it committed itself to."""

from quanyu.kernel.declare import rule
from quanyu.kernel.time import hours


@rule(
    on="DigitalVendor.availability",
    lasting=hours(48),
    max_gap=hours(72),
    severity="yellow",
    opens="vendor_breach",
    zh="低于承诺可用率",
    en="Below the committed availability",
)
def below_commitment(availability: float, committed: float, vendor_tolerance: float) -> bool:
    """Less than committed for two days on end: one bad day is an incident, two are a breach to be looked into."""
    return availability < committed - vendor_tolerance
