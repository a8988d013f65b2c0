"""The refusal of a flow that could not be walked: which flow, which part of it, why, and what would mend it."""

from __future__ import annotations

from quanyu.kernel.errors import Invalid


def refuse(why: str, code: str, place: str, remedy: str) -> Invalid:
    """Return Invalid (flow.<code>) whose sentence begins with the place."""
    return Invalid(f"{place[0].upper()}{place[1:]} {why}", code=f"flow.{code}", where=place, remedy=remedy)
