"""How vendors do against their commitments, as a score and as the weight that it gives in public procurement.

The indicators show the mean of all vendors; a vendor's own score and weight come from its review (flows.py).
"""

from quanyu.kernel.declare import Measure, indicator
from quanyu.kernel.time import calendar_days, hours

TYPE = "DigitalVendor"
WEEK = calendar_days(7)


def mean_of(name: str, attribute: str) -> Measure:
    """Fold the last values of all vendors heard of within a week into their mean."""
    return Measure(name=name, over="context", fold="mean", window=WEEK, type=TYPE, attribute=attribute)


EVIDENCE = [
    mean_of("vendors_availability", "availability"),
    mean_of("vendors_timeliness", "timeliness"),
    mean_of("vendors_incidents", "incidents"),
]


@indicator(
    measures=EVIDENCE,
    zh="供应商履约得分",
    en="Vendors' score",
    unit="C62",
    owner="city.data",
    every=hours(6),
    direction="higher",
    band=("vendor_score_target", None),
)
def vendor_score(
    vendors_availability: float,
    vendors_timeliness: float,
    vendors_incidents: float,
    vendor_share_availability: float,
    vendor_share_timeliness: float,
    vendor_share_incidents: float,
    vendor_incident_points: float,
) -> float:
    """Availability, answers in time and freedom from incidents, each with its share of a hundred points."""
    calm = max(0.0, 100 - vendor_incident_points * vendors_incidents)
    service = vendor_share_availability * vendors_availability + vendor_share_timeliness * vendors_timeliness
    return (service + vendor_share_incidents * calm) / 100


@indicator(
    measures=EVIDENCE,
    zh="供应商采购权重",
    en="Vendors' weight in procurement",
    unit="C62",
    owner="procurement.office",
    every=hours(6),
    direction="higher",
    digits=2,
)
def vendor_procurement_weight(
    vendors_availability: float,
    vendors_timeliness: float,
    vendors_incidents: float,
    vendor_share_availability: float,
    vendor_share_timeliness: float,
    vendor_share_incidents: float,
    vendor_incident_points: float,
    vendor_full_score: float,
    vendor_weight_floor: float,
    vendor_weight_ceiling: float,
) -> float:
    """The score against the full score, within floor and ceiling: below one it costs, above one it rewards."""
    calm = max(0.0, 100 - vendor_incident_points * vendors_incidents)
    service = vendor_share_availability * vendors_availability + vendor_share_timeliness * vendors_timeliness
    score = (service + vendor_share_incidents * calm) / 100
    return min(vendor_weight_ceiling, max(vendor_weight_floor, score / vendor_full_score))


@indicator(
    measures=[
        Measure(
            name="vendors_kept",
            over="context",
            fold="share",
            window=WEEK,
            type=TYPE,
            attribute="availability",
            value="availability >= committed",
        )
    ],
    zh="承诺兑现率",
    en="Commitments kept",
    unit="P1",
    owner="city.data",
    every=hours(6),
    direction="higher",
)
def vendor_commitments_kept(vendors_kept: float) -> float:
    """Vendors whose last measured availability is what they committed themselves to."""
    return 100 * vendors_kept
