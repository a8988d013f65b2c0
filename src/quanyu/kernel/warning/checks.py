"""What a warning must say before anybody may approve it: the eight fields of the law, and what makes it heard by all."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

import msgspec

from quanyu.kernel.cap import check_alert
from quanyu.kernel.time import Instant
from quanyu.kernel.warning.law import WarningLaw
from quanyu.kernel.warning.message import compose
from quanyu.kernel.warning.words import LANGUAGES, Draft

POSITIONS_MAX: Final = 20_000


class Fault(msgspec.Struct, frozen=True):
    """A named check that a draft does not pass, with its place and what is to be done, in both languages."""

    check: str
    where: str
    zh: str
    en: str


def faults_of(draft: Draft, law: WarningLaw, now: Instant, channels: Collection[str]) -> list[Fault]:
    """Return every check that a draft fails; `channels` are those that its status may use."""
    found = [*_statutory(draft, law, now), *_heard(draft, channels)]
    if not found:
        # The identifier is given when it is published; what CAP itself asks beyond its schema is asked now.
        references = ("sender,identifier,2026-01-01T00:00:00+08:00",) if draft.replaces else ()
        trial = compose(
            draft, law, identifier="draft", sent=min(now, (draft.expires or now) - 1), references=references
        )
        found += [Fault(f"cap.{each.check}", each.where, each.zh, each.en) for each in check_alert(trial, now)]
    return found


def _statutory(draft: Draft, law: WarningLaw, now: Instant) -> Iterator[Fault]:
    """Emergency Response Law: category, level, start time, area, notes, measures, issuer; the issue time comes by itself."""
    if draft.event not in law.kinds:
        yield Fault(
            "category", "event", "未写明预警类别,或类别不在表中", "The category is missing or not in the table."
        )
    if draft.colour not in law.colours:
        yield Fault("level", "colour", "未写明预警级别", "The level is missing.")
    if draft.starts is None:
        yield Fault("start", "starts", "未写明起始时间", "The start time is missing.")
    if draft.expires is None or draft.expires <= now:
        yield Fault("expiry", "expires", "失效时间缺失或已过", "The expiry is missing or has passed.")
    elif draft.starts is not None and draft.expires <= draft.starts:
        yield Fault("expiry", "expires", "失效时间不晚于起始时间", "It expires before it starts.")
    yield from _area(draft)
    for language in LANGUAGES:
        said = draft.said(language)
        for field, zh, en in (
            ("headline", "标题", "headline"),
            ("notes", "应注意的事项", "notes"),
            ("measures", "应采取的措施", "measures"),
        ):
            if not getattr(said, field).strip():
                yield Fault(
                    field, f"texts.{language}.{field}", f"缺少{zh}({language})", f"The {en} are missing ({language})."
                )
    if draft.issuer not in law.units:
        yield Fault("issuer", "issuer", "未写明发布机关,或机关不在本市名录", "The issuer is missing or unknown here.")


def _area(draft: Draft) -> Iterator[Fault]:
    target = draft.target
    if target.empty or not (target.zh.strip() and target.en.strip()):
        yield Fault("area", "target", "未写明可能影响范围及其说明", "The area is missing, or its description.")
    if sum(map(len, target.polygons)) > POSITIONS_MAX:
        yield Fault(
            "area.size", "target.polygons", f"多边形顶点超过 {POSITIONS_MAX}", f"More than {POSITIONS_MAX} vertices."
        )
    for number, ring in enumerate(target.polygons, 1):
        if len(ring) < 4 or ring[0] != ring[-1]:
            yield Fault(
                "area.ring",
                f"target.polygons[{number}]",
                "多边形少于四点或未闭合",
                "A polygon has fewer than four positions or does not end where it begins.",
            )
        if any(not (-180 <= lon <= 180 and -90 <= lat <= 90) for lon, lat in ring):
            yield Fault("area.ring", f"target.polygons[{number}]", "坐标超出范围", "A position is outside the earth.")


def _heard(draft: Draft, channels: Collection[str]) -> Iterator[Fault]:
    for language in LANGUAGES:
        said = draft.said(language)
        if not said.plain.strip():
            yield Fault(
                "plain", f"texts.{language}.plain", f"缺少通俗文本({language})", f"No plain words ({language})."
            )
        if not said.voice.strip():
            yield Fault(
                "voice", f"texts.{language}.voice", f"缺少播报文本({language})", f"Nothing to read aloud ({language})."
            )
    if not draft.channels:
        yield Fault("channels", "channels", "未选择发布渠道", "No channel is chosen.")
    for channel in draft.channels:
        if channel not in channels:
            yield Fault(
                "channels.mode",
                f"channels: {channel}",
                "渠道不存在,或演练与实际渠道混用",
                "The channel does not exist, or is one of real warnings for an exercise, or the converse.",
            )
    if draft.kind != "Alert" and not draft.replaces:
        yield Fault("replaces", "replaces", "未指明被更新或解除的预警", "It does not say which warning it replaces.")
    if draft.status != "Actual" and not draft.exercise.strip():
        yield Fault("exercise", "exercise", "未写明是何演练或测试", "It does not say which exercise or test it is.")
