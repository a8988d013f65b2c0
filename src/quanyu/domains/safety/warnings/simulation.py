"""A simulated emergency duty office: a warning every few days, now and then an exercise, and terminals that answer.

Communities, terminals, weather and people are made up; every text says so.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from quanyu.kernel.declare import City, Tick, simulation
from quanyu.kernel.entity import urn
from quanyu.kernel.journal import Command
from quanyu.kernel.noise import share
from quanyu.kernel.time import moment
from quanyu.kernel.view import CaseQuery, Filter

PROVENANCE: Final = "simulated:safety/warnings"
OFFICE: Final = Filter(actor="simulation:warnings")
HOUR_US: Final = 3_600_000_000
EVERY_DAYS: Final = 4
DRILL_DAYS: Final = 20
DRAFT_HOUR: Final = 6
HOLDS_US: Final = 12 * HOUR_US
ANSWERS_US: Final = HOUR_US
"""Terminals answer within the first hour, or not at all."""
REVIEW_US: Final = 20 * HOUR_US
BLOCK: Final = 4096
REACHED, ACKNOWLEDGED, FAILED = 3, 4, 2

CHANNELS: Final[Mapping[str, tuple[str, str, str, str, int]]] = {
    "speakers": ("actual", "loudspeaker", "应急广播喇叭(模拟)", "Loudspeakers (simulated)", 10),
    "screens": ("actual", "screen", "户外屏(模拟)", "Outdoor screens (simulated)", 6),
    "sms": ("actual", "sms", "短信小区(模拟)", "SMS cells (simulated)", 4),
    "drill": ("exercise", "loudspeaker", "演练终端(模拟)", "Terminals for exercises (simulated)", 2),
}
"""Mode, kind, names, and how many terminals each district has."""

EVENTS: Final = (
    (
        "gale",
        "blue",
        "大风",
        "Gale",
        "加固易被吹落的物品,远离高空坠物。",
        "Fasten what the wind may take; keep away from what may fall.",
    ),
    ("rainstorm", "yellow", "暴雨", "Rainstorm", "减少外出,绕开积水路段。", "Go out less; go around water on roads."),
    ("fog", "yellow", "大雾", "Dense fog", "减速慢行,老人尽量不外出。", "Drive slowly; old people had better stay in."),
)
AUTHOR: Final = {"id": "person:sim-warning-author", "name": "钱静(模拟)", "unit": None, "role": "warning_author"}
SECOND: Final = {"id": "person:sim-warning-second", "name": "孙明(模拟)", "unit": None, "role": "warning_approver"}


def found(city: City, seed: int) -> Iterator[Command]:
    """Make two communities in each district, the channels, and their terminals; all once."""
    for place, district in enumerate(city.districts):
        for number in range(2):
            yield _community(district, place, number, seed)
    for id, (mode, kind, zh, en, count) in CHANNELS.items():
        body: dict[str, Any] = {"mode": mode, "kind": kind, "zh": zh, "en": en, "simulated": True}
        yield Command("warning_channel.put", id, body, provenance=PROVENANCE)
        terminals = [
            {
                "id": f"sim-{id}-{district['code']}-{number}",
                "title": f"{district['name']['zh']} {number + 1}(模拟)",
                "lon": _beside(district["centre"][0], seed, id, place, number, "lon"),
                "lat": _beside(district["centre"][1], seed, id, place, number, "lat"),
                "district": district["code"],
                "simulated": True,
            }
            for place, district in enumerate(city.districts)
            for number in range(count)
        ]
        yield Command("warning_terminal.put", id, {"terminals": terminals}, provenance=PROVENANCE)


def _beside(centre: float, seed: int, *point: int | str) -> float:
    return round(centre + 0.04 * (share(seed, *point) - 0.5), 5)


def _community(district: Mapping[str, Any], place: int, number: int, seed: int) -> Command:
    id = urn("ResidentialCommunity", f"sim-{district['code']}-{number + 1}")
    at = [_beside(degrees, seed, "community", place, number, axis) for axis, degrees in enumerate(district["centre"])]
    name = {"zh": f"{district['name']['zh']}第{number + 1}社区(模拟)",
            "en": f"Community {number + 1} of {district['name']['en']} (simulated)"}  # fmt: skip
    document = {
        "id": id,
        "type": "ResidentialCommunity",
        "name": {"type": "Property", "value": name},
        "district": {"type": "Property", "value": district["code"]},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": at}},
        "population": {
            "type": "Property",
            "value": 2000 + int(6000 * share(seed, "people", place, number)),
            "unitCode": "IE",
        },
    }
    return Command("entity.create", id, document, provenance=PROVENANCE)


@simulation(found=found)
def warnings(tick: Tick) -> Iterable[Command]:
    """A draft in the morning of its day; then each open warning goes one step further in every tick."""
    commands = list(_drafts(tick))
    for case in tick.views.cases.query(CaseQuery(list="open", flow="warning", limit=50), OFFICE).items:
        if case["simulated"] and case["tokens"]:
            commands += _next(tick, case)
    return commands


def _drafts(tick: Tick) -> Iterator[Command]:
    at, before = moment(tick.at, tick.city.zone), moment(tick.at - tick.step_us, tick.city.zone)
    day = at.toordinal()
    if not before.hour < DRAFT_HOUR <= at.hour or before.date() != at.date():
        return
    if day % EVERY_DAYS == 1:
        yield from _drafted(tick, day, "Actual")
    elif day % DRILL_DAYS == 0:
        yield from _drafted(tick, day, "Exercise")


def _drafted(tick: Tick, day: int, status: str) -> Iterator[Command]:
    event, colour, zh, en, measures_zh, measures_en = EVENTS[int(len(EVENTS) * share(tick.seed, "event", day))]
    district = tick.city.districts[int(len(tick.city.districts) * share(tick.seed, "where", day))]
    where_zh, where_en = district["name"]["zh"], district["name"]["en"]
    texts = {
        "zh": {
            "headline": f"{where_zh}{zh}预警(模拟)",
            "notes": "模拟数据,与真实天气无关。",
            "measures": measures_zh,
            "plain": f"{where_zh}将有{zh}(模拟)。{measures_zh}",
            "voice": f"请注意,这是模拟预警。{where_zh}将有{zh}。{measures_zh}",
        },
        "en": {
            "headline": f"{en} warning for {where_en} (simulated)",
            "notes": "Simulated; it says nothing of real weather.",
            "measures": measures_en,
            "plain": f"{en} is coming to {where_en} (simulated). {measures_en}",
            "voice": f"Attention please, a simulated warning. {en} is coming to {where_en}. {measures_en}",
        },
    }
    id = f"urn:ngsi-ld:Warning:sim-{day}"
    draft = {
        "status": status,
        "event": event,
        "colour": colour,
        "starts": tick.at + HOUR_US // 2,
        "expires": tick.at + HOLDS_US,
        "target": {"zh": where_zh, "en": where_en, "districts": [district["code"]]},
        "texts": texts,
        "issuer": "emergency.duty",
        "channels": [name for name, channel in CHANNELS.items() if (channel[0] == "actual") == (status == "Actual")],
        "exercise": "" if status == "Actual" else "模拟演练 / simulated exercise",
    }
    prefix = ("", "") if status == "Actual" else ("【演练】", "EXERCISE: ")
    opened = {
        "flow": "warning",
        "title": {"zh": prefix[0] + texts["zh"]["headline"], "en": prefix[1] + texts["en"]["headline"]},
        "text": texts["zh"]["plain"],
        "severity": "info" if colour == "blue" else "yellow",
        "asset": id,
        "asset_type": "Warning",
        "place": {"district": district["code"]},
        "channel": "simulation",
        "as_person": AUTHOR,
    }
    yield Command("warning.draft", id, {"draft": draft, "as_person": AUTHOR}, provenance=PROVENANCE)
    yield Command("case.open", "", opened, provenance=PROVENANCE)


def _next(tick: Tick, case: Mapping[str, Any]) -> Iterator[Command]:
    token, id = case["tokens"][0], case["asset"]
    step, since = token["step"], tick.at - token["at"]
    if step == "draft":
        yield from _both(case, id, "warning.submit", {"revision": 1}, "draft", {}, AUTHOR)
    elif step == "approve":
        yield from _both(case, id, "warning.approve", {"revision": 1}, "approve", {"passed": True}, SECOND)
    elif step == "publish":
        body = {"revision": 1, "targets": _targets(tick.city, case)}
        yield from _both(case, id, "warning.publish", body, "publish", {"passed": True}, AUTHOR)
    elif step == "watch" and since < ANSWERS_US:
        yield from _answers(tick, case, since // max(1, tick.step_us))
    elif step == "review" and since > REVIEW_US:
        fields = {"lessons": "终端送达情况已核对(模拟)。", "outcome": "lifted"}
        body = {"action": "review", "fields": fields, "note": "已过有效期(模拟)。", "as_person": SECOND}
        yield Command("case.act", case["id"], body, provenance=PROVENANCE)


def _both(
    case: Mapping[str, Any], id: str, kind: str, body: Mapping[str, Any], step: str, fields: Mapping[str, Any],
    person: Mapping[str, Any],
) -> Iterator[Command]:  # fmt: skip
    """Move the message, then its case: one without the other is refused."""
    yield Command(kind, id, {**body, "as_person": person}, provenance=PROVENANCE)
    acted = {"action": step, "fields": dict(fields), "as_person": person}
    yield Command("case.act", case["id"], acted, provenance=PROVENANCE)


def _numbers(city: City, case: Mapping[str, Any], channel: str) -> range:
    """Return the terminals of a channel in the district of a case: they were numbered district by district."""
    count = CHANNELS[channel][4]
    code = (case["place"] or {}).get("district")
    place = next((n for n, district in enumerate(city.districts) if district["code"] == code), 0)
    return range(place * count, (place + 1) * count)


def _channels(case: Mapping[str, Any]) -> list[str]:
    mode = "exercise" if case["title"]["zh"].startswith("【演练】") else "actual"
    return [name for name, channel in CHANNELS.items() if channel[0] == mode]


def _targets(city: City, case: Mapping[str, Any]) -> dict[str, dict[str, bytes]]:
    """Return the bitmaps of the terminals that are asked: the first bit of a byte stands for the lowest number."""
    found = {}
    for channel in _channels(case):
        marks = bytearray(BLOCK // 8)
        for number in _numbers(city, case, channel):
            marks[number // 8] |= 0x80 >> number % 8
        found[channel] = {"0": bytes(marks)}
    return found


def _answers(tick: Tick, case: Mapping[str, Any], turn: int) -> Iterator[Command]:
    for channel in _channels(case):
        heard = []
        for number in _numbers(tick.city, case, channel):
            point = share(tick.seed, case["asset"], channel, number)
            if int(point * 40) % 4 == turn % 4 and point < 0.94:
                heard.append((number, FAILED if point < 0.03 else ACKNOWLEDGED if point < 0.5 else REACHED))
        if heard:
            body = {"channel": channel, "numbers": array("I", [each[0] for each in heard]).tobytes(),
                    "states": bytes(each[1] for each in heard)}  # fmt: skip
            yield Command("warning.receipts", case["asset"], body, provenance=PROVENANCE)
