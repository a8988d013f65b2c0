"""How far a fact from the world has been checked: one word that travels with every parameter, code and calendar day."""

from typing import Final, Literal, get_args

from quanyu.kernel.errors import Invalid

Status = Literal["verified", "unverified", "simulated"]

STATUSES: Final[tuple[Status, ...]] = get_args(Status)


def parse_status(text: object, *, where: str | None = None) -> Status:
    """Read a status word exactly as written in CSV and TOML; raises Invalid that lists the three words."""
    for status in STATUSES:
        if text == status:
            return status
    raise Invalid(
        f"status {text!r} is not known",
        code="status.unknown",
        where=where,
        remedy=f"write one of {', '.join(STATUSES)}",
    )
