"""Warnings as documents: for the API, the public pages, and the four looks that an author sees before sending."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec

from quanyu.assembly.warning_targets import Terminals
from quanyu.engines.warnings.reach import STATES, stood, tally
from quanyu.engines.warnings.store import (
    Channel,
    CityWarning,
    WarningStore,
    channel_of,
    no_channel,
    terminal_of,
    unknown,
    warning_of,
)
from quanyu.kernel.cap import write_alert
from quanyu.kernel.errors import Missing
from quanyu.kernel.journal import Instant
from quanyu.kernel.warning import LANGUAGES, Draft, WarningLaw, compose

STANDINGS: Final = (
    "draft", "submitted", "approved", "published", "superseded", "cancelled", "expired", "dropped",
)  # fmt: skip
PUBLISHED: Final = ("published", "superseded", "cancelled", "expired")
WORST: Final = ("failed", "silent", "reached", "acknowledged")
SILENT_MAX: Final = 1_000
IN_FORCE_MAX: Final = 500


class WarningViews:
    """Reads the rows of warnings; `law` names kinds and colours as they stand, `now` is city time."""

    def __init__(
        self, store: WarningStore, terminals: Terminals, law: Callable[[], WarningLaw], now: Callable[[], Instant]
    ) -> None:
        self._store, self._terminals, self._law, self._now = store, terminals, law, now

    def newest(
        self, standings: Sequence[str] = STANDINGS, before: int | None = None, limit: int = 50
    ) -> list[CityWarning]:
        """Return warnings, newest first."""
        return [warning_of(row) for row in self._store.newest(standings, before, limit)]

    def in_force(self, actual_only: bool = True) -> list[CityWarning]:
        """Return what people are to act by now, the worst first."""
        now, law = self._now(), self._law()
        found = [
            each
            for each in self.newest(("published",), None, IN_FORCE_MAX)
            if each.in_force(now) and (not actual_only or each.draft.status == "Actual")
        ]
        worst = {name: colour.level for name, colour in law.colours.items()}
        return sorted(found, key=lambda each: (worst.get(each.draft.colour, 9), -(each.published_at or 0)))

    def public(self, key: str) -> dict[str, Any]:
        """Return what everybody may read of a published warning; raises Missing (warning.unknown) for all others.

        Public pages are a channel like any other, and an actual one: exercises and drafts do not exist there.
        """
        row = self._store.find(key)
        warning = None if row is None else warning_of(row)
        if warning is None or warning.alert is None or warning.draft.status != "Actual":
            raise unknown(key)
        return self.page(warning)

    def page(self, warning: CityWarning) -> dict[str, Any]:
        """Return a published warning as a page shows it."""
        said = {field: {language: getattr(warning.draft.said(language), field) for language in LANGUAGES}
                for field in ("plain", "notes", "measures", "voice")}  # fmt: skip
        return self.summary(warning) | said | {"ended_at": warning.ended_at, "ended_by": warning.ended_by or None}

    def summary(self, warning: CityWarning) -> dict[str, Any]:
        """Return what a list shows of a warning."""
        draft, law = warning.draft, self._law()
        kind, colour = law.kinds.get(draft.event), law.colours.get(draft.colour)
        return {
            "id": warning.id,
            "key": warning.key,
            "number": warning.number,
            "identifier": warning.identifier or None,
            "standing": warning.standing,
            "in_force": warning.in_force(self._now()),
            "kind": draft.kind,
            "status": draft.status,
            "event": {"id": draft.event, **_words(kind, draft.event)},
            "class": kind.of if kind else None,
            "colour": {"id": draft.colour, **_words(colour, draft.colour)},
            "level": colour.level if colour else None,
            "severity": colour.severity if colour else None,
            "headline": {language: draft.said(language).headline for language in LANGUAGES},
            "area": {"zh": draft.target.zh, "en": draft.target.en},
            "starts_at": draft.starts,
            "expires_at": draft.expires,
            "issuer": {"id": draft.issuer, **law.units.get(draft.issuer, {"zh": draft.issuer, "en": draft.issuer})},
            "issued_at": warning.published_at,
            "revision": warning.revision,
            "simulated": warning.simulated,
        }

    def document(self, warning: CityWarning) -> dict[str, Any]:
        """Return everything about a warning but its terminals."""
        chain = self._chain(warning)
        draft = msgspec.to_builtins(warning.draft)
        return self.summary(warning) | {
            "draft": draft | {"starts_at": draft.pop("starts", None), "expires_at": draft.pop("expires", None)},
            "authors": list(warning.authors),
            "drafted_at": warning.drafted_at,
            "submitted_by": warning.submitted_by or None,
            "submitted_at": warning.submitted_at,
            "approved_by": warning.approved_by or None,
            "approved_at": warning.approved_at,
            "published_by": warning.published_by or None,
            "ended_at": warning.ended_at,
            "ended_by": warning.ended_by or None,
            "note": warning.note,
            "law": list(warning.law),
            "chain": chain,
            "reach": self.reach(warning),
        }

    def _chain(self, warning: CityWarning) -> list[dict[str, Any]]:
        """Return what a warning replaced, and what took its place, oldest first."""
        found: list[CityWarning] = [warning]
        while found[0].draft.replaces and len(found) < 50:
            row = self._store.find(found[0].draft.replaces.rpartition(":")[2])
            if row is None:
                break
            found.insert(0, warning_of(row))
        while found[-1].ended_by and len(found) < 100:
            row = self._store.find(found[-1].ended_by)
            if row is None:
                break
            found.append(warning_of(row))
        return [{"id": each.id, "kind": each.draft.kind, "standing": each.standing, "issued_at": each.published_at}
                for each in found]  # fmt: skip

    def reach(self, warning: CityWarning) -> list[dict[str, Any]]:
        """Return by channel how many terminals were asked and what was heard of them."""
        found = []
        for id, asked in warning.reach.items():
            states = tally(row[3] for row in self._store.reach(warning.key, id))
            channel = self.find_channel(id)
            told = states["reached"] + states["acknowledged"]
            found.append({
                "channel": id,
                "title": _words(channel, id),
                "mode": channel.mode if channel else None,
                "asked": asked,
                **states,
                "share": None if not asked else round(100 * told / asked, 1),
                "round": warning.rounds.get(id, 0),
                "simulated": self._terminals.simulated(id) > 0 or bool(channel and channel.simulated),
            })  # fmt: skip
        return found

    def by_district(self, warning: CityWarning) -> list[dict[str, Any]]:
        """Return by district how many terminals were asked and what was heard of them."""
        law = self._law()
        counts: dict[str, dict[str, int]] = {}
        for id in warning.reach:
            stands = list(stood((row[2], row[3]) for row in self._store.reach(warning.key, id)))
            districts = self._terminals.districts(id, [number for number, _ in stands])
            for district, (_, state) in zip(districts, stands, strict=True):
                counted = counts.setdefault(district, dict.fromkeys(STATES[1:], 0))
                counted[STATES[state]] += 1
        return [
            {
                "district": code,
                "title": law.districts.get(code, {"zh": code, "en": code}),
                "asked": sum(states.values()),
                **states,
            }
            for code, states in sorted(counts.items())
        ]

    def places(self, warning: CityWarning, limit: int) -> dict[str, Any]:
        """Return where the terminals stand that were asked, with what was heard of each; those that failed or said nothing first.

        `placeless` counts terminals whose position is not known, `left_off` those beyond the limit.
        """
        found: list[dict[str, Any]] = []
        placeless = 0
        for id in warning.reach:
            stands = list(stood((row[2], row[3]) for row in self._store.reach(warning.key, id)))
            positions = self._terminals.positions(id, [number for number, _ in stands])
            for (number, code), place in zip(stands, positions, strict=True):
                if place is None:
                    placeless += 1
                else:
                    state = {"channel": id, "number": number, "state": STATES[code]}
                    found.append(state | {"lon": place[0], "lat": place[1]})
        found.sort(key=lambda each: WORST.index(each["state"]))
        return {"items": found[:limit], "placeless": placeless, "left_off": max(0, len(found) - limit)}

    def terminals(self, warning: CityWarning, channel: str, state: str, after: int, limit: int) -> list[dict[str, Any]]:
        """Return terminals of a channel that stand in a state, by number, above `after`."""
        wanted = STATES.index(state)
        rows = ((row[2], row[3]) for row in self._store.reach(warning.key, channel))
        numbers = [number for number, code in stood(rows) if code == wanted and number > after][:limit]
        return [each for number in numbers for each in self._terminal(channel, number)]

    def _terminal(self, channel: str, number: int) -> Iterator[dict[str, Any]]:
        for row in self._store.terminals(channel, number - 1, 1):
            yield {"number": row[1], "id": row[2], **msgspec.to_builtins(terminal_of(row))}

    def channels(self) -> list[Channel]:
        """Return all channels."""
        return [channel_of(row) for row in self._store.channels()]

    def find_channel(self, id: str) -> Channel | None:
        """Return a channel."""
        return next((each for each in self.channels() if each.id == id), None)

    def channel_document(self, id: str) -> dict[str, Any]:
        """Return a channel as the API shows it; raises Missing (warning.channel_unknown)."""
        channel = self.find_channel(id)
        if channel is None:
            raise no_channel(id)
        return {name: getattr(channel, name) for name in Channel.__struct_fields__} | {"title": _words(channel, id)}

    def looks(self, draft: Draft) -> dict[str, Any]:
        """Return a draft in four looks: as a page, in large type, read aloud, and as the CAP message of machines."""
        law, now = self._law(), self._now()
        alert = compose(draft, law, identifier="draft", sent=now)
        said = {language: draft.said(language) for language in LANGUAGES}
        return {
            "page": {name: {"headline": each.headline, "notes": each.notes, "measures": each.measures}
                     for name, each in said.items()},
            "large": {name: each.plain for name, each in said.items()},
            "voice": {name: each.voice for name, each in said.items()},
            "cap": write_alert(alert, law.zone).decode(),
        }  # fmt: skip

    def cap(self, warning: CityWarning) -> bytes:
        """Return the message of a published warning; raises Missing (warning.unpublished)."""
        if warning.alert is None:
            raise Missing(
                f"Warning {warning.id} is not published.",
                code="warning.unpublished",
                where="id",
                remedy="Only what was published has a message.",
            )
        return write_alert(warning.alert, self._law().zone)


def _words(named: Any, otherwise: str) -> dict[str, str]:
    return {language: getattr(named, language, otherwise) for language in LANGUAGES}
