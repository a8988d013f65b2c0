"""The CAP message that a draft becomes, and the two types that keep exercises and real warnings apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

import msgspec

from quanyu.kernel.cap import Alert, Area, Info, Named
from quanyu.kernel.time import Instant, format_instant
from quanyu.kernel.warning.law import Template, WarningLaw
from quanyu.kernel.warning.words import LANGUAGES, Draft, Texts, mode_of

TAGS = {"zh": "zh-CN", "en": "en-US"}
PREFIX = {
    "Exercise": {"zh": "【演练】", "en": "EXERCISE: "},
    "Test": {"zh": "【测试】", "en": "TEST: "},
    "Actual": {"zh": "", "en": ""},
}
"""What everything begins with that is not real: it is put there by the hub, so that no author can forget it."""


@final
class ActualMessage(msgspec.Struct, frozen=True, tag="actual"):
    """A message that people must take as real; actual channels take no other."""

    alert: Alert


@final
class ExerciseMessage(msgspec.Struct, frozen=True, tag="exercise"):
    """A message of an exercise or a test; no actual channel takes it."""

    alert: Alert


Message = ActualMessage | ExerciseMessage


def message_of(alert: Alert) -> Message:
    """Return a message of the type that its status has: only Actual is actual."""
    return ActualMessage(alert) if mode_of(alert.status) == "actual" else ExerciseMessage(alert)


def compose(
    draft: Draft, law: WarningLaw, *, identifier: str, sent: Instant, references: tuple[str, ...] = (), web: str = ""
) -> Alert:
    """Return the CAP message of a draft: one text for each language, with the eight fields of the law in it."""
    return Alert(
        identifier=identifier,
        sender=law.sender,
        sent=sent,
        status=draft.status,
        kind=draft.kind,
        scope="Public",
        note=draft.exercise,
        references=references,
        infos=tuple(_info(draft, law, language, web) for language in LANGUAGES if draft.said(language) != Texts()),
    )


def _info(draft: Draft, law: WarningLaw, language: str, web: str) -> Info:
    said = draft.said(language)
    kind, colour = law.kinds.get(draft.event), law.colours.get(draft.colour)
    prefix = PREFIX[draft.status][language]
    return Info(
        language=TAGS[language],
        categories=(kind.category if kind else "Other",),
        event=getattr(kind, language) if kind else draft.event,
        responses=("AllClear",) if draft.kind == "Cancel" else ((kind.response,) if kind and kind.response else ()),
        urgency="Past" if draft.kind == "Cancel" else draft.urgency,
        severity=colour.severity if colour else "Unknown",
        certainty=draft.certainty,
        event_codes=(Named("quanyu:event", draft.event),),
        onset=draft.starts,
        expires=draft.expires,
        sender_name=law.units.get(draft.issuer, {}).get(language, draft.issuer),
        headline=prefix + said.headline,
        description=prefix + (said.plain or said.headline),
        instruction="\n".join(each for each in (said.measures, said.notes) if each),
        web=web,
        parameters=tuple(_parameters(draft, law, language)),
        areas=(_area(draft, language),),
    )


def _parameters(draft: Draft, law: WarningLaw, language: str) -> Iterator[Named]:
    said, colour, kind = draft.said(language), law.colours.get(draft.colour), law.kinds.get(draft.event)
    if colour is not None:
        yield Named("quanyu:colour", draft.colour)
        yield Named("quanyu:level", str(colour.level))
    if kind is not None:
        yield Named("quanyu:class", kind.of)
    prefix = PREFIX[draft.status][language]
    for name, text in (("notes", said.notes), ("measures", said.measures), ("voice", prefix + said.voice)):
        if text:
            yield Named(f"quanyu:{name}", text)


def _area(draft: Draft, language: str) -> Area:
    target = draft.target
    codes = [Named("GB/T 2260", code) for code in target.districts] + [Named("grid", code) for code in target.grids]
    described = target.zh if language == "zh" else target.en
    return Area(described, polygons=target.polygons, circles=target.circles, geocodes=tuple(codes))


def filled(template: Template, draft: Draft, law: WarningLaw) -> dict[str, Texts]:
    """Return a template's texts with area, times and issuer of a draft put in."""
    made = {}
    for language in LANGUAGES:
        words = {
            "area": (draft.target.zh if language == "zh" else draft.target.en) or "…",
            "start": _when(draft.starts, law.zone),
            "end": _when(draft.expires, law.zone),
            "issuer": law.units.get(draft.issuer, {}).get(language, draft.issuer) or "…",
        }
        texts = template.texts[language]
        said = {field: _put_in(getattr(texts, field), words) for field in Texts.__struct_fields__}
        made[language] = Texts(**said)
    return made


def _when(at: Instant | None, zone: str) -> str:
    return "…" if at is None else format_instant(at, zone)[:16].replace("T", " ")


def _put_in(text: str, words: dict[str, str]) -> str:
    for name, word in words.items():
        text = text.replace(f"{{{name}}}", word)
    return text
