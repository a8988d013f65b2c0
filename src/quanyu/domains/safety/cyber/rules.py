"""When a weak spot becomes a ticket, and when an asset that is down becomes an incident."""

from quanyu.kernel.declare import rule
from quanyu.kernel.time import hours


@rule(
    on="CyberAsset.weakness",
    max_gap=hours(240),
    severity="orange",
    opens="cyber_ticket",
    zh="高危漏洞",
    en="Grave weakness",
)
def grave_weakness(weakness: float, cyber_weakness_limit: float) -> bool:
    """A known weakness at or above the city's limit is mended, whoever runs the asset."""
    return weakness >= cyber_weakness_limit


@rule(
    on="CyberAsset.downMinutes",
    max_gap=hours(24),
    severity="red",
    opens="cyber_incident",
    zh="资产长时间不可用",
    en="Asset down for long",
)
def asset_down(downMinutes: float, cyber_down_limit: float) -> bool:  # noqa: N803
    """An asset that stays down is looked at as an incident before anybody calls."""
    return downMinutes >= cyber_down_limit
