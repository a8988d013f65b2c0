"""The engine of modes: two persons set an emergency, one lifts it, and its end lifts it by itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import lru_cache
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec.structs import replace

from quanyu.kernel.errors import Conflict, Denied, Invalid, Missing
from quanyu.kernel.journal import Command, Desk, Effects, Fact, Instant, Kind, Record, Row, State, Table
from quanyu.kernel.mode import WHOLE_CITY, Mode

MODE: Final = Table("mode", ("name TEXT", "last INTEGER", "doc BLOB"))
"""One row: the last number given out, and the modes that are proposed or stand. What is over is in the journal alone."""

ALL: Final = "modes"
HOUR_US: Final = 3_600_000_000
HOURS_MAX: Final = 24 * 60
_encode: Final = msgspec.msgpack.Encoder(order="deterministic").encode
_modes: Final = msgspec.msgpack.Decoder(tuple[Mode, ...])
Why = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
T = TypeVar("T")


class Proposed(msgspec.Struct, forbid_unknown_fields=True):
    """mode.propose: an emergency for a district, or ("") the whole city, for so many hours from its setting on."""

    reason: Why
    hours: Annotated[float, msgspec.Meta(gt=0, le=HOURS_MAX)]
    area: Annotated[str, msgspec.Meta(max_length=20)] = WHOLE_CITY
    incident: Annotated[str, msgspec.Meta(max_length=200)] | None = None


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """mode.set and mode.lapse: the subject says it all."""


class Lifted(msgspec.Struct, forbid_unknown_fields=True):
    """mode.lift: why the emergency is over, or why it is not set at all."""

    reason: Why


class ModesEngine:
    """Owns the modes of the city; `areas` are the districts that it has."""

    name: Final = "modes"
    commands: Final = ("mode.propose", "mode.set", "mode.lift", "mode.lapse")
    kinds: Final = tuple(Kind(f"mode.{word}") for word in ("proposed", "set", "lifted", "lapsed"))
    tables: Final = (MODE,)

    def __init__(self, areas: Collection[str]) -> None:
        self._areas = areas

    def decide(self, command: Command, desk: Desk) -> Iterable[Fact]:
        """Judge a command about a mode; refusals have codes that begin with mode."""
        match command.kind:
            case "mode.propose":
                return [self._propose(command, desk)]
            case "mode.set":
                return [_set(command, desk)]
            case "mode.lift":
                reason = _read(command, Lifted).reason
                return [Fact("mode.lifted", command.subject, {"reason": reason} | _said(_get(command, desk)))]
            case _:
                return list(_lapse(command, desk))

    def _propose(self, command: Command, desk: Desk) -> Fact:
        body = _read(command, Proposed)
        if body.area != WHOLE_CITY and body.area not in self._areas:
            raise Invalid(
                f"Area {body.area!r} is no district of this city.",
                code="mode.area",
                where="body.area",
                remedy="Use the code of a district, or leave it out for the whole city.",
            )
        _check_person(desk.actor)
        number = _last(desk.state) + 1
        return Fact("mode.proposed", id_of(number), msgspec.to_builtins(body))

    def evolve(self, record: Record, state: State) -> None:
        """Keep what is proposed and what stands; what is over stands in the journal alone."""
        body = record.body
        assert body is not None, f"record {record.seq} of kind {record.kind} is kept for ever and has no body"
        number = number_of(record.subject)
        row = state.get(MODE, ALL)
        modes = modes_of(row)
        if record.kind == "mode.proposed":
            new = Mode(
                number=number,
                area=body["area"],
                reason=body["reason"],
                lasts_us=int(body["hours"] * HOUR_US),
                proposed_by=record.actor,
                proposed_at=record.at,
                incident=body["incident"],
            )
            state.put(MODE, (ALL, number, _encode((*modes, new))))
            return
        assert row is not None, f"record {record.seq} is about {record.subject}, which was never proposed"
        if record.kind == "mode.set":
            after = [
                replace(each, set_by=record.actor, set_at=record.at) if each.number == number else each
                for each in modes
            ]
        else:
            after = [each for each in modes if each.number != number]
        state.put(MODE, (ALL, row[1], _encode(tuple(after))))


def _set(command: Command, desk: Desk) -> Fact:
    _read(command, Nothing)
    mode = _get(command, desk)
    _check_person(desk.actor)
    if mode.set_at is not None:
        raise Conflict(
            f"Mode {command.subject} is set already.",
            code="mode.set_already",
            where="subject",
            remedy="Nothing needs to be done.",
        )
    if desk.actor == mode.proposed_by:
        raise Denied(
            f"Actor {desk.actor} proposed mode {command.subject} and may not set it.",
            code="mode.same_person",
            where="actor",
            remedy="A second person looks at it and sets it.",
        )
    return Fact("mode.set", command.subject, _said(mode) | {"until_at": desk.at + mode.lasts_us})


def _lapse(command: Command, desk: Desk) -> Iterable[Fact]:
    if not desk.actor.startswith(("engine:", "system:")):
        raise Denied(
            f"Actor {desk.actor} may not let a mode lapse.",
            code="mode.machine_only",
            where=command.kind,
            remedy="Lift it, with the reason.",
        )
    mode = find_mode(desk.state, number_of(command.subject))
    if mode is not None and mode.set_at is not None and mode.until <= desk.at:
        yield Fact("mode.lapsed", command.subject, _said(mode), "derived")


def _said(mode: Mode) -> dict[str, Any]:
    return {"area": mode.area, "incident": mode.incident}


def _check_person(actor: str) -> None:
    if not actor.startswith("person:"):
        raise Denied(
            f"Actor {actor} may not switch the city's mode.",
            code="mode.person",
            where="actor",
            remedy="Two persons who answer for it do that, not a machine.",
        )


def _get(command: Command, desk: Desk) -> Mode:
    mode = find_mode(desk.state, number_of(command.subject))
    if mode is None:
        raise Missing(
            f"Mode {command.subject[:60]} is neither proposed nor in force.",
            code="mode.unknown",
            where="subject",
            remedy="GET /api/v1/mode shows what is.",
        )
    return mode


def _last(state: State) -> int:
    row = state.get(MODE, ALL)
    return 0 if row is None else int(row[1])


def _read(command: Command, shape: type[T]) -> T:
    try:
        return msgspec.convert(command.body, shape)
    except msgspec.ValidationError as fault:
        raise Invalid(
            f"Command {command.kind} cannot be read: {fault}.",
            code="mode.body",
            where="body",
            remedy="Say the reason; a proposal also says for how many hours and where.",
        ) from fault


def find_mode(state: State, number: int) -> Mode | None:
    """Return a mode that is proposed or stands, as the writer sees it."""
    return next((each for each in modes_of(state.get(MODE, ALL)) if each.number == number), None)


def modes_of(row: Row | None) -> tuple[Mode, ...]:
    """Return the modes of the table's row: those proposed and those that stand."""
    return () if row is None else _read_modes(row[2])


@lru_cache(maxsize=64)
def _read_modes(doc: bytes) -> tuple[Mode, ...]:
    return _modes.decode(doc)


def id_of(number: int) -> str:
    """Return the id of a mode: urn:ngsi-ld:Mode:<number>."""
    return f"urn:ngsi-ld:Mode:{number}"


def number_of(id: str) -> int:
    """Return the number in an id; 0, which no mode has, for anything else."""
    text = id.removeprefix("urn:ngsi-ld:Mode:")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


Recounts = Callable[[str], Iterable[Command]]
"""Hands out what counts running clocks again when the mode of the city has changed; it is given the reason."""


class ModesReader:
    """Lets modes end when their time is over, and has running clocks counted again when one begins or ends."""

    name: Final = "modes"
    wants: Final = frozenset({"mode.set", "mode.lifted", "mode.lapsed"})
    tables: Final[tuple[Table, ...]] = ()

    def __init__(self, modes: Callable[[], Iterable[Mode]], recounts: Recounts) -> None:
        self._modes, self._recounts = modes, recounts
        self._standing = self._read()

    def _read(self) -> list[Mode]:
        return [mode for mode in self._modes() if mode.set_at is not None]

    @property
    def next_wake(self) -> Instant | None:
        """When the earliest mode ends; None when none stands."""
        return min((mode.until for mode in self._standing), default=None)

    def read(self, records: Sequence[Record], now: Instant) -> Effects:
        """Count again what a change of mode reaches."""
        self._standing = self._read()
        commands = [each for record in records for each in self._recounts(f"{record.kind} {record.subject}")]
        return Effects(list({command.subject: command for command in commands}.values()))

    def wake(self, now: Instant) -> Effects:
        """Let the modes lapse whose time is over; a reader hears nothing of its own, so it counts again at once."""
        over = [mode for mode in self._standing if mode.until <= now]
        self._standing = [mode for mode in self._standing if mode.until > now]
        lapses = [Command("mode.lapse", id_of(mode.number), {}, provenance="derived") for mode in over]
        return Effects([*lapses, *(self._recounts("mode.lapsed") if over else ())])


def shown(modes: Iterable[Mode], at: Instant) -> list[dict[str, Any]]:
    """Return modes as faces show them: what is proposed, and what stands at an instant."""
    return [
        msgspec.to_builtins(mode)
        | {
            "id": id_of(mode.number),
            "state": "proposed" if mode.set_at is None else "standing",
            "hours": mode.lasts_us / HOUR_US,
            "until_at": mode.until or None,
        }
        for mode in modes
        if mode.set_at is None or mode.until > at
    ]
