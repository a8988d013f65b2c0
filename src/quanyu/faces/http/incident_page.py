"""The after-action report as a page to print, and a recovery curve as a picture: plain, without style or script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any, Final

WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "title": ("突发事件处置评估报告", "After-action report"),
    "simulated": ("本事件为模拟数据", "This incident is simulated"),
    "city": ("城市", "City"),
    "what": ("事件", "Incident"),
    "kind": ("类型", "Kind"),
    "opened_at": ("发生(登记)时间", "Opened"),
    "closed_at": ("办结时间", "Ended"),
    "open": ("尚未办结", "not ended yet"),
    "level": ("最终等级", "Level in force"),
    "response": ("响应级别", "Level of response"),
    "grade": ("按伤亡损失定级", "Grade by figures"),
    "unknown": ("未知(来源未给出其他等级阈值)", "not known: no source gives the limits of the other levels"),
    "exported_at": ("导出时间", "Exported"),
    "exported_by": ("导出人", "Exported by"),
    "timeline": ("时间线", "Timeline"),
    "figures": ("伤亡损失数据", "Figures"),
    "clocks": ("时限", "Limits"),
    "met_missed": ("按时 {met},超时 {missed}", "{met} met, {missed} missed"),
    "responses": ("应急响应", "Responses"),
    "orders": ("任务与指令", "Tasks and orders"),
    "reports": ("信息报告", "Reports"),
    "inquiries": ("调查", "Inquiries"),
    "warnings": ("预警", "Warnings"),
    "lessons": ("整改提升", "Lessons"),
    "resources": ("资源", "Resources"),
    "recovery": ("恢复曲线", "Recovery"),
    "lost": ("损失面积(满负荷小时)", "Lost, in hours of full performance"),
    "hours_to": ("恢复至 {share}% 用时(小时)", "Hours to {share} %"),
    "not_yet": ("尚未恢复", "not yet"),
    "gaps": ("缺测时段", "Without data"),
    "source": ("来源", "Source"),
    "at": ("时间", "Time"),
    "who": ("经办", "By"),
    "action": ("事项", "What"),
    "number": ("编号", "Number"),
    "note": ("说明", "Note"),
    "seq": ("记录序号", "Record"),
    "met": ("是否按时", "Met"),
    "yes": ("是", "yes"),
    "no": ("否", "no"),
    "running": ("进行中", "running"),
    "unit": ("单位", "Unit"),
    "given": ("下达", "Given"),
    "acknowledged": ("确认接收", "Acknowledged"),
    "done": ("完成", "Done"),
    "receipts": ("回执", "Receipts"),
    "state": ("状态", "State"),
    "count": ("数量", "Count"),
    "returned": ("归还", "Given back"),
    "issue": ("期号", "Issue"),
    "matter": ("事项", "Matter"),
    "measures": ("措施", "Measures"),
    "hours": ("预计持续(小时)", "Expected to last (h)"),
    "lifted": ("解除", "Lifted"),
    "values": ("数据", "Figures"),
    "checksum": ("本报告校验值(SHA-256)", "Checksum of this report (SHA-256)"),
    "share": ("运行水平", "Performance"),
}
LEVELS: Final = (("特别重大", "especially major"), ("重大", "major"), ("较大", "larger"), ("一般", "general"))
KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "incident.declared": ("认定事件类型", "Declared"),
    "incident.figured": ("更新数据", "Figures"),
    "incident.levelled": ("确定等级", "Level"),
    "incident.responded": ("启动或调整响应", "Response"),
    "incident.lifted": ("解除响应", "Response lifted"),
    "incident.activated": ("启动预案", "Plan activated"),
    "incident.assigned": ("调派资源", "Resource assigned"),
    "incident.given_back": ("归还资源", "Resource given back"),
    "incident.noted": ("指挥记录", "Noted"),
    "incident.watched": ("关注功能", "Functions watched"),
    "incident.warned": ("关联预警", "Warning linked"),
}
META: Final = '<meta charset="utf-8"><link rel="icon" href="/favicon.svg">'
WIDTH, HEIGHT, EDGE = 640, 220, 36


def page(document: Mapping[str, Any], language: str) -> str:
    """Return the page of a report whose instants are written out; everything that people wrote is escaped."""
    place = 0 if language == "zh" else 1
    case = document["case"]
    title = f"{WORDS['title'][place]} {case['number']}"
    met = WORDS["met_missed"][place].format(met=document["clocks_met"], missed=document["clocks_missed"])
    parts = [
        f'<!doctype html><html lang="{"zh-CN" if place == 0 else "en"}"><head>{META}',
        f"<title>{escape(title)}</title></head><body><h1>{escape(title)}</h1>",
        f"<p><strong>{escape(WORDS['simulated'][place])}</strong></p>" if case["simulated"] else "",
        table([], _facts(document, place)),
        _part("figures", place, ("at", "who", "values", "source", "seq"), _figures(document, language)),
        _part("responses", place, ("issue", "response", "at", "matter", "hours", "measures", "lifted"), _responses(document)),
        _part("orders", place, ("number", "unit", "action", "given", "acknowledged", "done", "note"),
              _orders(document, language)),
        _part("reports", place, ("number", "action", "given", "state", "receipts"), _reports(document, language)),
        _part("clocks", place, ("number", "action", "at", "met"), _clocks(document, place)),
        f"<p>{escape(met)}</p>",
        _part("resources", place, ("number", "action", "unit", "count", "given", "returned"), _resources(document)),
        _part("warnings", place, ("number", "action", "at", "state", "receipts"), _warnings(document, language)),
        *(_beside(document, name, place) for name in ("inquiries", "lessons")),
        _recovery(document, place),
        _part("timeline", place, ("at", "number", "action", "who", "note", "seq"), _timeline(document, place)),
        f"<footer><p>{escape(WORDS['checksum'][place])}<br><code>{document['checksum']}</code></p></footer>",
    ]  # fmt: skip
    return "".join(parts) + "</body></html>"


def picture(curve: Mapping[str, Any], language: str) -> str:
    """Return a recovery curve as SVG: performance from 0 to 100 % over time, gaps hatched by name, with a title in words."""
    place = 0 if language == "zh" else 1
    start, end = _seconds(curve["start_at"]), _seconds(curve["end_at"])
    span = max(end - start, 1.0)

    def x(at: str) -> float:
        return round(EDGE + (WIDTH - 2 * EDGE) * (_seconds(at) - start) / span, 1)

    def y(share: float) -> float:
        return round(HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * share, 1)

    path, last = "", None
    for point in curve["points"]:
        path += f"M{x(point['at'])} {y(point['share'])}" if last is None else f"H{x(point['at'])}V{y(point['share'])}"
        last = point
    path += f"H{x(curve['end_at'])}" if last is not None else ""
    gaps = "".join(
        f'<rect x="{x(gap["from"])}" y="{y(1)}" width="{round(x(gap["to"]) - x(gap["from"]), 1)}" '
        f'height="{y(0) - y(1)}" fill="currentColor" fill-opacity="0.12"/>'
        for gap in curve["gaps"]
    )
    name = curve["title"]["zh" if place == 0 else "en"]
    said = f"{name} · {WORDS['lost'][place]} {curve['lost_h']}"
    labels = "".join(
        f'<text x="4" y="{y(share) + 4}" font-size="11" fill="currentColor">{round(share * 100)}%</text>'
        f'<line x1="{EDGE}" x2="{WIDTH - EDGE}" y1="{y(share)}" y2="{y(share)}" stroke="currentColor" '
        f'stroke-opacity="0.25"/>'
        for share in (0.0, 0.5, 0.9, 1.0)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" width="{WIDTH}" '
        f'height="{HEIGHT}"><title>{escape(said)}</title>{labels}{gaps}'
        f'<path d="{path}" fill="none" stroke="currentColor" stroke-width="2"/></svg>'
    )


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _facts(document: Mapping[str, Any], place: int) -> Iterable[tuple[str, Any]]:
    case, incident, language = document["case"], document["incident"], "zh" if place == 0 else "en"
    kind = document["incident_kind"] or {}
    by = document["exported_by"]
    level, grade = (
        LEVELS[number - 1][place] if (number := incident.get(name)) else None for name in ("level", "grade")
    )
    if grade is None and incident.get("grade_unknown"):
        grade = WORDS["unknown"][place]
    rows = (
        ("city", document["city"].get(language, "")),
        ("what", case["title"].get(language, "")),
        ("kind", kind.get(language)),
        ("opened_at", case["opened_at"]),
        ("closed_at", case["closed_at"] or WORDS["open"][place]),
        ("level", level),
        ("grade", grade),
        ("exported_at", document["exported_at"]),
        ("exported_by", by["name"] or by["id"]),
    )
    return ((WORDS[name][place], value) for name, value in rows if value not in (None, ""))


def _figures(document: Mapping[str, Any], language: str) -> Iterable[Sequence[Any]]:
    titles = {each["measure"]: each["title"][language] for each in document["measures"]}
    for line in document["figures"]:
        said = line["said"]
        values = "; ".join(f"{titles.get(name, name)} {value:g}" for name, value in said["values"].items())
        yield line["at"], _name(document, line["actor"]), values, said["source"], line["seq"]


def _name(document: Mapping[str, Any], actor: str) -> str:
    return str(document["names"].get(actor, actor))


def _responses(document: Mapping[str, Any]) -> Iterable[Sequence[Any]]:
    for each in document["incident"].get("responses", ()):
        lifted = " ".join(str(part) for part in (each.get("lifted_at"), each.get("lifted_why")) if part)
        yield (
            each["issue"],
            each["level"],
            each["at"],
            each["matter"],
            each["hours"],
            "; ".join(each["measures"]),
            lifted,
        )


def _orders(document: Mapping[str, Any], language: str) -> Iterable[Sequence[Any]]:
    for each in document["orders"]:
        unit = document["units"].get(each["unit"], {}).get(language, each["unit"])
        yield (each["number"], unit, each["title"][language], each["opened_at"], each["acknowledged_at"],
               each["done_at"], each["done_note"])  # fmt: skip


def _reports(document: Mapping[str, Any], language: str) -> Iterable[Sequence[Any]]:
    for each in document["reports"]:
        receipts = "; ".join(
            f"{notice[language]} {notice['receipt_at'] or '…'}" for notice in map(_words, each["notices"])
        )
        yield each["number"], each["title"][language], each["opened_at"], each["state"], receipts


def _words(notice: Mapping[str, Any]) -> dict[str, Any]:
    title = notice.get("title") or notice
    return {"zh": title.get("zh", ""), "en": title.get("en", ""), "receipt_at": notice.get("receipt_at")}


def _clocks(document: Mapping[str, Any], place: int) -> Iterable[Sequence[Any]]:
    language = "zh" if place == 0 else "en"
    for each in document["clocks"]:
        word = {True: "yes", False: "no", None: "running"}[each["met"]]
        title = (each["title"] or {}).get(language) or each["clock"]
        yield each["number"], f"{each['about'][language]} · {title}", each["at"], WORDS[word][place]


def _resources(document: Mapping[str, Any]) -> Iterable[Sequence[Any]]:
    for each in document["incident"].get("resources", ()):
        yield (each["number"], each["resource"], each["unit"], each["count"], each["at"], each.get("returned_at"))


def _warnings(document: Mapping[str, Any], language: str) -> Iterable[Sequence[Any]]:
    for each in document["warnings"]:
        counts = "; ".join(
            f"{reach['title'][language]} {reach['reached'] + reach['acknowledged']}/{reach['asked']}"
            for reach in each["reach"]
        )
        yield each["identifier"] or each["key"], each["headline"][language], each["issued_at"], each["standing"], counts


def _beside(document: Mapping[str, Any], name: str, place: int) -> str:
    language = "zh" if place == 0 else "en"
    rows = [(each["number"], each["unit"], each["title"][language], each["state"]) for each in document[name]]
    return _part(name, place, ("number", "unit", "action", "state"), rows)


def _recovery(document: Mapping[str, Any], place: int) -> str:
    language = "zh" if place == 0 else "en"
    parts = []
    for curve in document["recovery"]:
        rows = [(WORDS["lost"][place], curve["lost_h"])]
        rows += [
            (WORDS["hours_to"][place].format(share=share), WORDS["not_yet"][place] if hours is None else hours)
            for share, hours in curve["hours_to"].items()
        ]
        rows += [(WORDS["source"][place], f"{curve['source']} ({curve['provenance'] or '–'})")]
        rows += [(WORDS["gaps"][place], f"{gap['from']} – {gap['to']}") for gap in curve["gaps"]]
        parts.append(f"<h3>{escape(curve['title'][language])}</h3>{picture(curve, language)}{table([], rows)}")
    return f"<h2>{escape(WORDS['recovery'][place])}</h2>{''.join(parts)}" if parts else ""


def _timeline(document: Mapping[str, Any], place: int) -> Iterable[Sequence[Any]]:
    language = "zh" if place == 0 else "en"
    for line in document["timeline"]:
        what = line["title"][language] if line["title"] else KINDS.get(line["what"], (line["what"],) * 2)[place]
        said = line["said"]
        note = (
            said.get("note") or said.get("why") or said.get("text") or said.get("matter") or said.get("resource") or ""
        )
        yield line["at"], line["number"], what, _name(document, line["actor"]), note, line["seq"]


def _part(name: str, place: int, columns: Iterable[str], rows: Iterable[Sequence[Any]]) -> str:
    found = list(rows)
    if not found:
        return ""
    return f"<h2>{escape(WORDS[name][place])}</h2>{table([WORDS[each][place] for each in columns], found)}"


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return rows as a plain table; every cell is escaped."""
    head = "<tr>" + "".join(f'<th scope="col">{escape(each)}</th>' for each in columns) + "</tr>" if columns else ""

    def cell(value: Any) -> str:
        return escape("" if value is None else str(value))

    body = "".join("<tr>" + "".join(f"<td>{cell(each)}</td>" for each in row) + "</tr>" for row in rows)
    return f'<table border="1" cellpadding="4">{head}{body}</table>'
