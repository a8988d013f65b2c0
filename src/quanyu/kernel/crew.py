"""Simulated crews: they take the next allowed step of open cases, some quickly, some late, some wrongly.

Whether a case moves in a tick depends on seed, case, version and time alone, so the same city does the same again.
Everything they do carries a simulated provenance and names that say so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cache
from hashlib import sha256
from math import exp
from struct import pack
from typing import Any, Final, cast
from zlib import compress, crc32

import msgspec

from quanyu.kernel.declare import Tick
from quanyu.kernel.journal import Command
from quanyu.kernel.noise import share
from quanyu.kernel.time import moment
from quanyu.kernel.view import CaseQuery, Filter, Grant

Case = Mapping[str, Any]

TURN_US: Final = 600_000_000
"""Crews look at their lists every ten minutes of city time."""

CREWS: Final = Filter(actor="simulation:crews")
CREW_GRANTS: Final = tuple(
    Grant(role) for role in ("clerk", "duty", "dispatcher", "handler", "supervisor", "chief", "commander")
)
"""As whom crews look at cases, and what that actor holds: assembly hands it out, so that next actions are all seen."""

SIMULATED_PERSON: Final = "person:sim-"
HOUR_US: Final = 3_600_000_000
PAGE: Final = 200
BANK_HOURS: Final = 150.0
"""Mean hours that a case lies in the problem bank."""
PHOTOS: Final = 6
SIDE_PX: Final = 48
PEOPLE_PER_UNIT: Final = 4
SURNAMES: Final = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕施张孔曹严华金魏陶姜"
GIVEN: Final = "安宁静远平和文清子涵雨晨思源嘉禾明哲书言景行知新若水云帆"


APPLYING: Final = frozenset({"fill", "save", "contradict", "withdraw", "prove_subject"})
"""What applicants do with their forms; `applicants` has its own hand in it."""

NOTES: Final[Mapping[str, Sequence[str]]] = {
    "return": ("不属本单位职责范围,退回重派。",),
    "dispute": ("经核实不属本单位职责,申请裁定。",),
    "arbitrate": ("按职责清单裁定。",),
    "pause": ("现场条件不具备,申请暂停计时。",),
    "suspend": ("需立项改造,暂无法解决,书面说明后挂账。",),
    "resume": ("条件恢复,继续办理。",),
    "extend": ("需要协调多家单位,申请延期一次。",),
    "decide_extension": ("情况属实,同意延期。",),
    "acknowledge": ("已停止使用并更新本方记录。",),
}
"""What is written where the habits of a flow say nothing."""


class Habits(msgspec.Struct, frozen=True, kw_only=True):
    """How crews treat the cases of one flow.

    `hours`: mean time that the present step of a case takes, by day; `lead`: the unit that a case belongs to; `notes`:
    what people write, by action (an action may have none); `wrong_unit`, `failed`, `planned`, `paused`, `extended`,
    `banked`: shares; `night`: activity between 20 and 6 o'clock against the day's; `measured`: what somebody reads off
    for an attribute; `turn_us`: how often the crew looks at its list; `fills`: what a step asks for besides, from the
    case, the field and a number in [0, 1).
    """

    flow: str
    hours: Callable[[Case], float]
    lead: Callable[[Case], str]
    notes: Mapping[str, Sequence[str]]
    others: Sequence[str] = ()
    wrong_unit: float = 0.0
    failed: float = 0.0
    planned: float = 0.0
    paused: float = 0.0
    extended: float = 0.0
    banked: float = 0.0
    turn_us: int = TURN_US
    night: float = 0.3
    measured: Callable[[Case, str], float] = lambda case, attribute: 0.0
    fills: Callable[[Case, str, float], Any] = lambda case, field, point: None


def act(tick: Tick, habits: Habits, *, provenance: str) -> Iterator[Command]:
    """Yield what the crews of a flow do in this tick, cases that are due first coming first."""
    turns = tick.at // habits.turn_us - (tick.at - tick.step_us) // habits.turn_us
    if not turns:
        return
    clock = moment(tick.at, tick.city.zone).hour
    pace = 1.0 if 6 <= clock < 20 else habits.night
    for case in _cases_in_work(tick, habits):
        if case.get("historical"):
            continue
        mean_h = BANK_HOURS if case.get("state") == "suspended" else 1 / sum(_paces(habits, case).values())
        chance = 1 - exp(-turns * habits.turn_us * pace / (mean_h * HOUR_US))
        if share(tick.seed, "crew", case["id"], case["version"], tick.number) >= chance:
            continue
        found = tick.views.cases.find(case["id"], CREWS)
        if found is None or _in_real_hands(found):
            continue
        command = _next_act(tick, habits, found, provenance)
        if command:
            yield command


def _in_real_hands(case: Case) -> bool:
    """Tell whether a person who is not simulated has worked on the case: crews then leave it alone."""
    actors = [str(action["actor"]) for action in case["actions"] if action["action"] != "open"]
    return any(actor.startswith("person:") and not actor.startswith(SIMULATED_PERSON) for actor in actors)


def _cases_in_work(tick: Tick, habits: Habits) -> Iterator[Case]:
    """Yield open cases, and those in the problem bank where the crew puts any there."""
    for state in ("open", "suspended") if habits.banked else ("open",):
        after: str | None = None
        while True:
            query = CaseQuery(list="all", state=state, flow=habits.flow, sort="due", limit=PAGE, after=after)
            page = tick.views.cases.query(query, CREWS)
            yield from page.items
            after = page.after
            if after is None:
                break


def _next_act(tick: Tick, habits: Habits, case: Case, provenance: str) -> Command | None:
    options = {option["action"]: option for option in case.get("next", ()) if _is_work(option)}
    dice = _Dice(tick.seed, f"{case['id']}/{case['version']}")
    option = _chosen(habits, case, options, dice)
    if option is None:
        return None
    body = _body(tick, habits, case, option, dice)
    return Command("case.act", case["id"], body, provenance=provenance, expects=case["version"])


def _is_work(option: Mapping[str, Any]) -> bool:
    """Tell whether an action is somebody's work: what applicants fill in, and what the hub does itself, is not."""
    roles = {need["role"] for need in option["who"]}
    return roles != {"machine"} and option["action"] not in APPLYING


def _chosen(habits: Habits, case: Case, options: Mapping[str, Any], dice: _Dice) -> Mapping[str, Any] | None:
    """Return what the crew does: what waits for a word first, then what is wrong with the case, then its step."""
    for waiting in ("arbitrate", "decide_extension", "resume", "acknowledge"):
        if waiting in options:
            return cast(Mapping[str, Any], options[waiting])
    paces = {name: pace for name, pace in _paces(habits, case).items() if name in options}
    if not paces:
        return None
    step = options[drawn(dice("branch"), tuple(paces.items()))]
    astray = case.get("unit") and case["unit"] != habits.lead(case)
    wishes = (
        ("return", astray),
        ("dispute", astray),
        ("confirm", dice("confirm") < 0.6),
        ("pause", dice("pause") < habits.paused),
        ("extend", dice("extend") < habits.extended),
        ("suspend", case.get("unit") is not None and dice("suspend") < habits.banked),
    )
    wish = next((word for word, wanted in wishes if wanted and word in options), None)
    return cast(Mapping[str, Any], options[wish] if wish else step)


def _paces(habits: Habits, case: Case) -> dict[str, float]:
    """Return the steps at which the case stands and how often an hour each is done."""
    steps = [token["step"] for token in case.get("tokens") or () if not token["waits"]] or [str(case.get("step"))]
    return {step: 1 / habits.hours({**case, "step": step}) for step in steps}


class _Dice:
    """Numbers in [0, 1) by name, the same for the same case in the same version."""

    def __init__(self, seed: int, case: str) -> None:
        self._seed, self._case = seed, case

    def __call__(self, name: str) -> float:
        return share(self._seed, "dice", self._case, name)


def _body(tick: Tick, habits: Habits, case: Case, option: Mapping[str, Any], dice: _Dice) -> dict[str, Any]:
    fields, word = _fields(tick, habits, case, option, dice)
    for proof in option.get("evidence", ()):
        if proof["kind"] == "measurement":
            fields[proof["attribute"]] = habits.measured(case, proof["attribute"])
    photos = sum(proof["count"] for proof in option.get("evidence", ()) if proof["kind"] == "photo")
    if word == "fixed" and not photos:
        photos = 1
    body: dict[str, Any] = {
        "action": option["action"],
        "note": _note(habits, word or option["action"], dice),
        "fields": fields,
        "as_person": _person(tick, case, _answering(case, option, fields), dice),
    }
    if photos:
        first = int(dice("photo") * PHOTOS)
        body["files"] = [photo_reference((first + n) % PHOTOS) for n in range(photos)]
    return body


def _fields(
    tick: Tick, habits: Habits, case: Case, option: Mapping[str, Any], dice: _Dice
) -> tuple[dict[str, Any], str | None]:
    """Return the fields that an action asks for, and the word that decides what is written beside them."""
    fields: dict[str, Any] = {}
    word: str | None = None
    for field in option.get("fields", ()):
        name, when = field["name"], field.get("when")
        if when is not None and fields.get(when["field"]) != when["is"]:
            continue
        if name == "unit" and option["action"] != "arbitrate":
            first = all(action["action"] != option["action"] for action in case.get("actions", ()))
            wrong = habits.others and first and dice("unit") < habits.wrong_unit
            fields["unit"] = habits.others[int(dice("other") * len(habits.others))] if wrong else habits.lead(case)
        elif name == "passed":
            fields["passed"] = dice("passed") >= habits.failed
            word = None if fields["passed"] else "failed"
        elif name == "fixed":
            fields["fixed"] = True
        elif name == "decision":
            fields |= _decided(habits, case, field["choices"])
        elif name == "outcome" and field["required"]:
            planned = dice("outcome") < habits.planned and "planned" in option["outcomes"]
            word = fields["outcome"] = "planned" if planned else option["outcomes"][0]
            if planned:
                fields["date"] = (moment(tick.at, tick.city.zone).date() + timedelta(days=30)).isoformat()
        elif (filled := habits.fills(case, name, dice("fill"))) is not None:
            fields[name] = filled
        elif field["required"] and field.get("choices"):
            fields[name] = field["choices"][0]
        elif field["required"] and field["kind"] == "date":
            fields[name] = (moment(tick.at, tick.city.zone).date() + timedelta(days=30)).isoformat()
    return fields, word


def _decided(habits: Habits, case: Case, choices: Sequence[str]) -> dict[str, Any]:
    """Decide a dispute as the table of units says; anything else is granted."""
    if "moved" not in choices:
        return {"decision": choices[0]}
    right = habits.lead(case)
    return {"decision": "stands"} if case.get("unit") == right else {"decision": "moved", "unit": right}


def _note(habits: Habits, action: str, dice: _Dice) -> str:
    notes = habits.notes.get(action) or NOTES.get(action, ())
    return notes[int(dice("note") * len(notes))] if notes else ""


def _answering(case: Case, option: Mapping[str, Any], fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Let a receipt come from the people of its receiver, or from a chief where no unit answers for it."""
    if option["action"] != "acknowledge":
        return option
    notice = next((each for each in case["notices"] if each["receiver"] == fields.get("receiver")), None)
    unit = notice["unit"] if notice else None
    return {"who": [{"role": "handler", "unit": unit} if unit else {"role": "chief", "unit": None}]}


def _person(tick: Tick, case: Case, option: Mapping[str, Any], dice: _Dice) -> dict[str, Any]:
    """Name a simulated person who may do it: one of a few of the unit, or of the desk, and not who acted last."""
    needs = [need for need in option["who"] if need["role"] not in ("reporter", "applicant", "involved")]
    role, unit = needs[0]["role"], needs[0]["unit"]
    number = int(dice(f"person {role}") * PEOPLE_PER_UNIT)
    if case["actions"] and case["actions"][-1]["actor"] == f"{SIMULATED_PERSON}{unit or role}-{role}-{number + 1}":
        number = (number + 1) % PEOPLE_PER_UNIT
    return {
        "id": f"person:sim-{unit or role}-{role}-{number + 1}",
        "name": person_name(tick.seed, f"{unit or role}/{role}/{number}"),
        "unit": unit,
        "role": role,
    }


def drawn(point: float, weights: Sequence[tuple[str, float]]) -> str:
    """Return the word at a point of [0, 1), each as wide as it is frequent."""
    left = point * sum(weight for _, weight in weights)
    for word, weight in weights:
        left -= weight
        if left < 0:
            return word
    return weights[-1][0]


def person_name(seed: int, key: str) -> str:
    """Return a made-up name that says it is simulated."""
    surname = SURNAMES[int(share(seed, key, "surname") * len(SURNAMES))]
    place = int(share(seed, key, "given") * (len(GIVEN) - 1))
    return f"{surname}{GIVEN[place : place + 2]}(模拟)"


def photo_reference(number: int) -> dict[str, str]:
    """Return the reference of a placeholder photograph, as case actions carry it."""
    return {"sha256": sha256(photo(number)).hexdigest(), "type": "image/png", "name": f"simulated-{number + 1}.png"}


@cache
def photo(number: int) -> bytes:
    """Return the bytes of a placeholder photograph: a striped PNG that nobody takes for a real one."""
    shade = 90 + 25 * number
    rows = bytearray()
    for y in range(SIDE_PX):
        rows.append(0)
        for x in range(SIDE_PX):
            rows += bytes((shade, 200 - shade // 2, 120) if (x + y) // 6 % 2 else (235, 235, 235))
    header = pack(">IIBBBBB", SIDE_PX, SIDE_PX, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", compress(bytes(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        pack(">I", len(data)) + kind + data + pack(">I", crc32(kind + data)) for kind, data in parts
    )
