"""The rules of CAP 1.2 beyond its schema, each a check with a name: what a message says that no schema can refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from quanyu.kernel.cap.words import Alert, Area, Info, Reference, Remark
from quanyu.kernel.cap.write import written_time
from quanyu.kernel.errors import Invalid
from quanyu.kernel.time import Instant, parse_instant
from quanyu.kernel.time.instant import Zone

POLYGON_MIN: Final = 4
REFERRING: Final = frozenset({"Update", "Cancel", "Ack", "Error"})


def reference(alert: Alert, zone: Zone) -> str:
    """Return how other messages name this one: sender,identifier,sent."""
    return f"{alert.sender},{alert.identifier},{written_time(alert.sent, zone)}"


def triple(text: str) -> Reference | None:
    """Read one reference; None when it is no triple."""
    parts = text.split(",")
    if len(parts) != 3 or not all(parts):
        return None
    try:
        return Reference(parts[0], parts[1], parse_instant(parts[2]))
    except Invalid:
        return None


def check_alert(alert: Alert, now: Instant | None = None) -> list[Remark]:
    """Return what an alert breaks beyond the schema; with `now`, also whether it has expired."""
    found = [remark for check in _CHECKS for remark in check(alert)]
    if now is not None:
        found += _expired(alert, now)
    return found


def _polygons(alert: Alert) -> Iterator[Remark]:
    for where, area in _areas(alert):
        for number, ring in enumerate(area.polygons, 1):
            at = f"{where}.polygon[{number}]"
            if len(ring) < POLYGON_MIN:
                yield Remark("polygon.points", at, "多边形少于四个点", "A polygon has fewer than four positions.")
            elif ring[0] != ring[-1]:
                yield Remark("polygon.closed", at, "多边形未闭合", "A polygon does not end where it begins.")


def _references(alert: Alert) -> Iterator[Remark]:
    if alert.kind in REFERRING and not alert.references:
        yield Remark(
            "references.missing", "references", f"{alert.kind} 类消息未引用原消息", f"{alert.kind} names no message."
        )
    for number, text in enumerate(alert.references, 1):
        if triple(text) is None:
            yield Remark(
                "references.triple",
                f"references[{number}]",
                "引用应为“发送者,标识,发送时间”",
                "A reference is not sender,identifier,sent.",
            )


def _scope(alert: Alert) -> Iterator[Remark]:
    if alert.scope == "Restricted" and not alert.restriction:
        yield Remark(
            "scope.restriction", "restriction", "受限消息未写明限制", "A restricted message has no restriction."
        )
    if alert.scope == "Private" and not alert.addresses:
        yield Remark("scope.addresses", "addresses", "私密消息未写明收件人", "A private message has no addresses.")


def _names(alert: Alert) -> Iterator[Remark]:
    for field in ("identifier", "sender"):
        text = getattr(alert, field)
        if not text or any(each in text for each in " ,<&"):
            yield Remark(
                f"{field}.characters",
                field,
                "不得为空,不得含空格、逗号、小于号、和号",
                f"The {field} is empty or holds a space, a comma, < or &.",
            )


def _note(alert: Alert) -> Iterator[Remark]:
    if alert.status == "Exercise" and not alert.note:
        yield Remark(
            "exercise.note", "note", "演练消息未写明是何演练", "An exercise does not say which exercise it is."
        )
    if alert.kind == "Error" and not alert.note:
        yield Remark("error.note", "note", "错误消息未写明原因", "An error does not say why.")


def _infos(alert: Alert) -> Iterator[Remark]:
    if alert.kind in ("Alert", "Update") and not alert.infos:
        yield Remark("info.missing", "info", "没有正文", "It says nothing in any language.")
    for where, info in _each(alert):
        yield from _times(where, alert, info)
        if not info.areas and alert.kind in ("Alert", "Update"):
            yield Remark("area.missing", where, "没有写明区域", "No area is given.")
    events = {tuple(info.categories) for info in alert.infos}
    if len(events) > 1 and len({info.language for info in alert.infos}) == len(alert.infos):
        yield Remark("info.agree", "info", "各语言正文的类别不一致", "Languages differ in their categories.")


def _times(where: str, alert: Alert, info: Info) -> Iterator[Remark]:
    if info.expires is None:
        if alert.kind in ("Alert", "Update"):
            yield Remark("expires.missing", where, "没有失效时间", "It does not say when it expires.")
        return
    begins = info.effective if info.effective is not None else alert.sent
    if info.expires <= begins:
        yield Remark("expires.order", where, "失效时间不晚于生效时间", "It expires before it takes effect.")
    elif info.onset is not None and info.onset > info.expires:
        yield Remark("onset.order", where, "开始时间晚于失效时间", "It begins after it has expired.")


def _circles(alert: Alert) -> Iterator[Remark]:
    for where, area in _areas(alert):
        if area.ceiling_ft is not None and area.altitude_ft is None:
            yield Remark("area.ceiling", where, "有上限高度而无下限高度", "A ceiling stands without an altitude.")


def _resources(alert: Alert) -> Iterator[Remark]:
    for where, info in _each(alert):
        for number, each in enumerate(info.resources, 1):
            if each.deref and each.uri:
                continue
            if each.deref and alert.scope == "Public":
                yield Remark(
                    "resource.deref",
                    f"{where}.resource[{number}]",
                    "公开消息只带内嵌内容而无地址",
                    "A public message carries a resource without an address.",
                )


def _expired(alert: Alert, now: Instant) -> Iterator[Remark]:
    for where, info in _each(alert):
        if info.expires is not None and info.expires <= now:
            yield Remark("expires.past", where, "已过失效时间", "It has expired.")


def _each(alert: Alert) -> Iterator[tuple[str, Info]]:
    return ((f"info[{number}]", info) for number, info in enumerate(alert.infos, 1))


def _areas(alert: Alert) -> Iterator[tuple[str, Area]]:
    for where, info in _each(alert):
        for number, area in enumerate(info.areas, 1):
            yield f"{where}.area[{number}]", area


_CHECKS: Final[tuple[Callable[[Alert], Iterator[Remark]], ...]] = (
    _names, _scope, _references, _note, _infos, _polygons, _circles, _resources,
)  # fmt: skip
