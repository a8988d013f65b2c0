"""CAP 1.2 messages as values: read, written, checked. Signatures are kept and not verified; resources are not fetched."""

from quanyu.kernel.cap.checks import check_alert, reference, triple
from quanyu.kernel.cap.format import BYTES_MAX
from quanyu.kernel.cap.read import read_alert
from quanyu.kernel.cap.words import (
    CODES,
    MEDIA_TYPE,
    NAMESPACE,
    Alert,
    Area,
    Circle,
    Info,
    Named,
    Position,
    Reference,
    Remark,
    Resource,
    alert_of,
)
from quanyu.kernel.cap.write import write_alert, written_time

__all__ = [
    "BYTES_MAX",
    "CODES",
    "MEDIA_TYPE",
    "NAMESPACE",
    "Alert",
    "Area",
    "Circle",
    "Info",
    "Named",
    "Position",
    "Reference",
    "Remark",
    "Resource",
    "alert_of",
    "check_alert",
    "read_alert",
    "reference",
    "triple",
    "write_alert",
    "written_time",
]
