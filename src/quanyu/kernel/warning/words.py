"""What a draft of a warning holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

import msgspec

from quanyu.kernel.cap import Circle, Position
from quanyu.kernel.time import Instant

COLOURS: Final = ("red", "orange", "yellow", "blue")
"""First to fourth level, the worst first (rules.md B9)."""
LANGUAGES: Final = ("zh", "en")

Mode = Literal["actual", "exercise"]
"""Whether something reaches people as real. Tests count as exercises: neither may ever reach an actual channel."""

Said = Annotated[str, msgspec.Meta(max_length=4000)]
Word = Annotated[str, msgspec.Meta(max_length=200)]
Code = Annotated[str, msgspec.Meta(max_length=20, pattern="^[0-9A-Za-z-]*$")]


class _Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Unknown fields are mistakes."""


class Texts(_Words, frozen=True):
    """What is said in one language. `notes` and `measures` are the statutory ones; `plain` is for large type and for
    those who read slowly, `voice` is read aloud by loudspeakers and screen readers: whole sentences, no abbreviations.
    """

    headline: Said = ""
    notes: Said = ""
    measures: Said = ""
    plain: Said = ""
    voice: Said = ""


class Target(_Words, frozen=True):
    """Where it holds: by shape (degrees WGS 84) and by code (district GB/T 2260, grid)."""

    zh: Said = ""
    en: Said = ""
    polygons: Annotated[tuple[tuple[Position, ...], ...], msgspec.Meta(max_length=200)] = ()
    circles: Annotated[tuple[Circle, ...], msgspec.Meta(max_length=200)] = ()
    districts: Annotated[tuple[Code, ...], msgspec.Meta(max_length=1000)] = ()
    grids: Annotated[tuple[Code, ...], msgspec.Meta(max_length=20_000)] = ()

    @property
    def empty(self) -> bool:
        """Whether no place is named at all."""
        return not (self.polygons or self.circles or self.districts or self.grids)


class Draft(_Words, frozen=True):
    """A warning as its author writes it; what a check finds missing is empty. `replaces`: the id of the warning that an
    Update or a Cancel takes the place of. `exercise`: which exercise or test it is. `channels`: who is to spread it.
    """

    kind: Literal["Alert", "Update", "Cancel"] = "Alert"
    status: Literal["Actual", "Exercise", "Test"] = "Actual"
    event: Word = ""
    colour: Literal["", "red", "orange", "yellow", "blue"] = ""
    starts: Instant | None = None
    expires: Instant | None = None
    target: Target = Target()
    texts: Mapping[Literal["zh", "en"], Texts] = {}
    issuer: Word = ""
    channels: Annotated[tuple[Word, ...], msgspec.Meta(max_length=100)] = ()
    replaces: Word = ""
    exercise: Said = ""
    urgency: Literal["Immediate", "Expected", "Future", "Past", "Unknown"] = "Expected"
    certainty: Literal["Observed", "Likely", "Possible", "Unlikely", "Unknown"] = "Likely"

    def said(self, language: str) -> Texts:
        """Return what is said in a language, nothing where it is not said."""
        return self.texts.get(language, Texts())  # type: ignore[call-overload,no-any-return]


def mode_of(status: str) -> Mode:
    """Return which channels a CAP status may use: everything but Actual is an exercise."""
    return "actual" if status == "Actual" else "exercise"
