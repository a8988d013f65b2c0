"""A dossier as a page to print: plain tables without style or script, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "full": ("事项档案", "Dossier"),
    "public": ("事项档案(公开版)", "Dossier, public version"),
    "city": ("城市", "City"),
    "what": ("事项", "Matter"),
    "text": ("内容", "What was reported"),
    "class": ("类别", "Class"),
    "flow": ("流程", "Flow"),
    "place": ("地点", "Place"),
    "lead": ("主办单位", "Lead unit"),
    "opened_at": ("登记时间", "Opened"),
    "closed_at": ("办结时间", "Closed"),
    "due_at": ("办理时限", "Due"),
    "outcome": ("办理结果", "Outcome"),
    "open": ("尚未办结", "not ended yet"),
    "exported_at": ("导出时间", "Exported"),
    "exported_by": ("导出人", "Exported by"),
    "simulated": ("本事项为模拟数据", "This matter is simulated"),
    "timeline": ("办理过程", "What was done"),
    "clocks": ("时限如何计算", "How the limits were counted"),
    "parameters": ("所依据的参数版本", "Parameters and their versions"),
    "seals": ("存证", "Seals"),
    "seals_said": (
        "以下为各条记录正文的加盐摘要和账本的链值;用 quanyu check --dossier 可核对本档案与账本是否一致。",
        "Salted digests of the records, and the link of the journal's chain; quanyu check --dossier FILE compares them.",
    ),
    "at": ("时间", "Time"),
    "action": ("事项", "Action"),
    "who": ("经办", "By"),
    "unit": ("单位", "Unit"),
    "note": ("说明", "Note"),
    "evidence": ("证据(SHA-256)", "Evidence (SHA-256)"),
    "clock": ("时钟", "Clock"),
    "limit": ("时限", "Limit"),
    "start": ("起算", "From"),
    "due": ("到期", "Due"),
    "stopped": ("停止", "Stopped"),
    "pauses": ("暂停(事由)", "Pauses (ground)"),
    "value": ("值", "Value"),
    "version": ("版本", "Version"),
    "seq": ("序号", "Seq"),
    "kind": ("记录", "Record"),
    "digest": ("摘要", "Digest"),
    "link": ("链值(至记录 {seq})", "Link of the chain (to record {seq})"),
    "checksum": ("本档案校验值(SHA-256)", "Checksum of this dossier (SHA-256)"),
    "overall": ("总时限", "Overall"),
}


def page(document: Mapping[str, Any], language: str) -> str:
    """Return the page of a dossier whose instants are written out; everything that people wrote is escaped."""
    place = 0 if language == "zh" else 1
    case, units = document["case"], document["units"]

    def word(name: str) -> str:
        return WORDS[name][place]

    title = f"{word(document['version'])} {case['number']}"
    parts = [
        f'<!doctype html><html lang="{"zh-CN" if place == 0 else "en"}"><head><meta charset="utf-8">',
        f"<title>{escape(title)}</title></head><body><h1>{escape(title)}</h1>",
        f"<p><strong>{escape(word('simulated'))}</strong></p>" if case["simulated"] else "",
        _table([], _facts(document, place)),
        _part("timeline", place, ("at", "action", "who", "note", "evidence"), _timeline(case, units, place)),
        _part("clocks", place, ("clock", "limit", "start", "due", "stopped", "pauses"), _clocks(case, place)),
        _part("parameters", place, ("kind", "value", "version"), _parameters(case)),
        _seals(document["seals"], place),
        f"<footer><p>{escape(word('checksum'))}<br><code>{document['checksum']}</code></p></footer>",
    ]
    return "".join(parts) + "</body></html>"


def _facts(document: Mapping[str, Any], place: int) -> Iterable[tuple[str, Any]]:
    case, language = document["case"], "zh" if place == 0 else "en"
    where = case.get("place") or {}
    by = document["exported_by"]
    outcome = case["outcome"]
    ended = WORDS["open"][place]
    if outcome is not None:
        ended = " ".join(str(each) for each in (outcome["title"][language], outcome["date"], outcome["who"]) if each)
    rows = (
        ("city", document["city"].get(language, "")),
        ("what", case["title"].get(language, "")),
        ("text", case["text"]),
        ("class", case["class"]),
        ("flow", case["flow_title"][language]),
        ("place", " ".join(str(where[name]) for name in ("district", "address") if where.get(name))),
        ("lead", _unit(case["lead_unit"], document["units"], language)),
        ("opened_at", case["opened_at"]),
        ("due_at", case["due_at"]),
        ("closed_at", case["closed_at"]),
        ("outcome", ended),
        ("exported_at", document["exported_at"]),
        ("exported_by", None if by is None else by["name"] or by["id"]),
    )
    return ((WORDS[name][place], value) for name, value in rows if value not in (None, ""))


def _timeline(case: Mapping[str, Any], units: Mapping[str, Any], place: int) -> Iterable[Sequence[Any]]:
    language = "zh" if place == 0 else "en"
    for entry in case["actions"]:
        person = entry.get("person") or {}
        unit = _unit(entry.get("unit") or person.get("unit"), units, language)
        who = " ".join(str(each) for each in (unit, entry.get("actor_name") or person.get("name")) if each)
        evidence = " ".join(file["sha256"] for file in entry["files"])
        yield entry["at"], entry["title"][language], who, entry.get("note", ""), evidence


def _clocks(case: Mapping[str, Any], place: int) -> Iterable[Sequence[Any]]:
    for clock in case["clocks"]:
        pauses = "; ".join(f"{each['from']} – {each['to'] or '…'} ({each['ground']})" for each in clock["pauses"])
        name = WORDS["overall"][place] if clock["name"] == "overall" else clock["name"]
        limit = " ".join(str(each) for each in (clock["limit"], clock.get("parameter")) if each)
        yield name, limit, clock["start"], clock["due"], clock["stopped"], pauses


def _parameters(case: Mapping[str, Any]) -> Iterable[Sequence[Any]]:
    return ((each["id"], each["value"], each["version"]) for each in case["parameters"])


def _seals(seals: Mapping[str, Any], place: int) -> str:
    columns = [WORDS[name][place] for name in ("seq", "kind", "digest")]
    rows = ((each["seq"], each["kind"], each["digest"]) for each in seals["records"])
    link = WORDS["link"][place].format(seq=seals["head"]["seq"])
    return (
        f"<h2>{escape(WORDS['seals'][place])}</h2><p>{escape(WORDS['seals_said'][place])}</p>{_table(columns, rows)}"
        f"<p>{escape(link)}<br><code>{escape(seals['head']['link'])}</code></p>"
    )


def _part(name: str, place: int, columns: Iterable[str], rows: Iterable[Sequence[Any]]) -> str:
    found = list(rows)
    if not found:
        return ""
    return f"<h2>{escape(WORDS[name][place])}</h2>{_table([WORDS[each][place] for each in columns], found)}"


def _unit(id: str | None, units: Mapping[str, Any], language: str) -> str:
    return str(units[id][language]) if id is not None and id in units else id or ""


def _table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    head = "<tr>" + "".join(f'<th scope="col">{escape(each)}</th>' for each in columns) + "</tr>" if columns else ""

    def cell(value: Any) -> str:
        return escape("" if value is None else str(value))

    body = "".join("<tr>" + "".join(f"<td>{cell(each)}</td>" for each in row) + "</tr>" for row in rows)
    return f'<table border="1" cellpadding="4">{head}{body}</table>'
