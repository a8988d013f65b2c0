"""Moving an open case to another version of its flow: previewed, said, recorded, and undone by moving it back.

A map says where an element of the old version lies in the new one; an element that keeps its name needs none. Branches
keep their numbers, units and people, clocks keep their start and the law that the case pinned; only what the new version
asks for differently changes. What has no place, or would leave the case where it could not come to its end, is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from quanyu.engines.cases.bodies import MigrateBody, read_body
from quanyu.engines.cases.office import Office, person_document
from quanyu.engines.cases.option import Asker, need_of
from quanyu.engines.cases.refusing import stale
from quanyu.engines.cases.rows import get_case, get_opening
from quanyu.engines.cases.state import OF_BRANCHES, OVERALL, CaseState, ClockState, Token, Waiting
from quanyu.engines.cases.tables import FLOW, id_of, serial_of
from quanyu.engines.cases.walking import day_start
from quanyu.kernel.errors import Conflict, Denied, Invalid, Missing, QuanyuError
from quanyu.kernel.flow import Boundary, Flow, Marking, Parameter, Step, Wait, find_fault, main_way
from quanyu.kernel.journal import Body, Command, Desk, Fact, Instant, State
from quanyu.kernel.time import Limit
from quanyu.kernel.view import Grant

MOVERS: Final = ("chief",)
"""Roles that may move a case to another version of its flow."""


class Move:
    """One case on its way to another version; `body` is what the record says, or raises why it cannot go."""

    def __init__(
        self,
        office: Office,
        old: Flow,
        new: tuple[str, Flow],
        case: CaseState,
        places: Mapping[str, str],
        category: str | None = None,
    ) -> None:
        self._office, self._old, self._case, self._places = office, old, case, places
        self._digest, self._new = new
        pinned = office.pin(self._new, case.opened_at, case.district, category)
        units = {role: unit for role, unit in self._new.roles.items() if unit} | case.units
        units.pop("escalate", None)
        if self._new.escalate:
            units["escalate"] = self._new.escalate
        self._after = replace(case, limits=pinned | case.limits, units=units)

    def body(self) -> Body:
        """Return the record's part: where branches stand now, all clocks, units and limits. Raises Conflict."""
        self._check()
        tokens, waits = self._tokens(), self._waits()
        joins = sorted((self._place(join), self._place(source)) for join, source in self._case.joins)
        self._check_standing(tokens, waits, joins)
        return {
            "from": self._case.flow_hash,
            "to": self._digest,
            "map": dict(self._places),
            "tokens": msgspec.to_builtins(tokens),
            "waits": msgspec.to_builtins(waits),
            "joins": [list(each) for each in joins],
            "clocks": msgspec.to_builtins(self._in_order(self._clocks(tokens, waits))),
            "units": self._after.units,
            "limits": {name: list(pair) for name, pair in self._after.limits.items()},
        }

    def _check(self) -> None:
        case = self._case
        faults = {
            "it is in that version already": case.flow_hash == self._digest,
            f"it is {case.state}": case.state == "closed",
            "it is merged into another case": case.merged_into is not None,
            "a request for more time waits for its answer": case.extension is not None,
            f"it follows {self._old.name}, not {self._new.name}": self._old.name != self._new.name,
        }
        for fault, stands in faults.items():
            if stands:
                raise Conflict(
                    f"Case cannot move to another version of its flow: {fault}.",
                    code="case.migrate_state",
                    where="body.to",
                    remedy="Move open cases that stand by themselves to another version of the same flow.",
                )
        for source, target in self._places.items():
            if source not in self._old.net.elements or target not in self._new.net.elements:
                raise Invalid(
                    f"Map leads from {source!r:.80} to {target!r:.80}, which are not elements of the two versions.",
                    code="case.migrate_map",
                    where=f"body.map.{source}",
                    remedy=f"Old: {', '.join(self._old.net.elements)}. New: {', '.join(self._new.net.elements)}.",
                )

    def _place(self, name: str) -> str:
        """Return where an old element lies in the new version; raises Conflict (case.migrate_place)."""
        place = self._places.get(name, name)
        before, after = self._old.net.elements[name], self._new.net.elements.get(place)
        if after is None or (_rests(before) and type(before) is not type(after)) or _rests(before) != _rests(after):
            raise Conflict(
                f"Branch at {name} has no place in the new version of flow {self._new.name}.",
                code="case.migrate_place",
                where=f"body.map.{name}",
                remedy=f"Name its place: map {{{name}: …}} to one of {', '.join(self._new.net.elements)}.",
                step=name,
            )
        return place

    def _tokens(self) -> list[Token]:
        moved = []
        for token in self._case.tokens:
            step = self._new.get_step(self._place(token.step))
            need = need_of(self._after, step.by)
            same = self._old.get_step(token.step).by == step.by
            moved.append(replace(token, step=step.name) if same else _handed(token, step, need.role, need.unit))
        return moved

    def _waits(self) -> list[Waiting]:
        return [replace(each, node=self._place(each.node)) for each in self._case.waits]

    def _check_standing(self, tokens: list[Token], waits: list[Waiting], joins: list[tuple[str, str]]) -> None:
        net, sides = self._new.net, set(self._case.sides)
        places = [(each.id, each.step) for each in tokens] + [(each.id, each.node) for each in waits]
        main = main_way(net)
        lost = next((name for id, name in places if (name in main) is (id in sides)), None)
        rests = frozenset(name for id, name in places if id not in sides)
        full = next(
            (join for join, _ in joins if {each for at, each in joins if at == join} >= set(net.into(join))), None
        )
        strange = next((source for join, source in joins if source not in net.into(join)), None)
        why = f"{lost} lies on another way" if lost else None
        why = why or (f"two branches would stand at one place of {', '.join(sorted(rests))}" if len(rests) < len(
            [id for id, _ in places if id not in sides]) else None)  # fmt: skip
        why = why or (f"nothing is left to wait for at join {full}" if full else None)
        why = why or (f"no way leads from {strange} to its join" if strange else None)
        if why is None:
            fault = find_fault(net, Marking(rests, frozenset(joins)))
            why = fault.why if fault else None
        if why is not None:
            raise Conflict(
                f"Case could not come to its end in the new version of flow {self._new.name}: {why}",
                code="case.migrate_standing",
                where="body.map",
                remedy="Map its branches to places that stand beside one another there, or wait until they have met.",
            )

    def _in_order(self, clocks: Iterable[ClockState]) -> list[ClockState]:
        """Return clocks in the order in which the case has them, new ones behind: moving back leaves what was."""
        places = {clock.name: place for place, clock in enumerate(self._case.clocks)}
        return sorted(clocks, key=lambda clock: places.get(clock.name, len(places)))

    def _clocks(self, tokens: list[Token], waits: list[Waiting]) -> Iterator[ClockState]:
        """Yield every clock of the case in the new version."""
        case, flow = self._case, self._new
        yield self._clock(OVERALL, flow.overall, case.overall.start)
        for named in flow.clocks:
            start = case.opened_at if named.since is None else self._day(named.since)
            if start is not None:
                yield self._clock(named.name, named.limit, start)
        for token in tokens:
            step = flow.get_step(token.step)
            if step.within is not None:
                yield self._clock(f"step.{token.id}", step.within, token.at)
            for timer in () if case.historical else step.boundary:
                yield self._clock(f"bound.{token.id}.{timer.name}", timer.after, self._since(timer) or token.at)
        for each in waits:
            node = flow.find_node(each.node)
            assert isinstance(node, Wait), f"wait {each.node} of flow {flow.name} is none"
            yield self._clock(f"wait.{each.id}", node.until, self._since(node) or each.at)
        yield from (clock for clock in case.clocks if clock.name.startswith(OF_BRANCHES[-1]))

    def _since(self, timer: Boundary | Wait) -> Instant | None:
        return self._day(timer.since) if timer.since else None

    def _day(self, field: str) -> Instant | None:
        return day_start(self._office, self._case.data.get(field))

    def _clock(self, name: str, limit: Limit | Parameter, start: Instant) -> ClockState:
        """Return a clock with the new limit that keeps start, pauses and end of the one that it follows."""
        old, flow = self._case.find_clock(name), self._new
        made = self._office.clock(flow, name, limit, old.start if old else start, self._after)
        if old is not None and old.stopped is not None:
            return old
        pauses = old.pauses if old else tuple(each for each in self._case.overall.pauses if each[1] is None)
        if not pauses and not (old and self._case.longer(old)):
            return made
        made = replace(made, pauses=pauses)
        if made.stands:
            return replace(made, due=None, amber=None, red=None, escalate=None)
        after = flow.escalate_after if name == OVERALL else None
        longer = self._case.longer(old) if old else ()
        return self._office.keeper.recount(
            made, amber=flow.amber, red=flow.red, escalate_after=after, longer=longer
        )  # fmt: skip


def _rests(element: Any) -> bool:
    return isinstance(element, Wait) or (isinstance(element, Step) and element.waits)


def _handed(token: Token, step: Step, role: str, unit: str | None) -> Token:
    """Give a branch to whoever does the new step; its person stays where the unit does."""
    return replace(
        token, step=step.name, role=role, unit=unit, person=token.person if unit == token.unit and unit else None
    )


def unknown_version(wanted: str, office: Office) -> Invalid:
    """Return the refusal of a version that is neither declared nor kept in the journal."""
    return Invalid(
        f"No version {wanted!r:.80} of a flow is known.",
        code="case.flow_unknown",
        where="body.to",
        remedy=f"Name a declared flow ({', '.join(sorted(office.flows))}) or the hash of a version.",
    )


def find_version(office: Office, state: State, wanted: str) -> tuple[str, Flow]:
    """Return hash and value of a flow by its name (as declared now) or by its hash; raises Invalid (case.flow_unknown)."""
    if wanted in office.flows:
        return office.flows[wanted]
    known = office.find_hash(wanted)
    if known is None and state.get(FLOW, wanted) is None:
        raise unknown_version(wanted, office)
    return wanted, known or office.pinned_flow(state, wanted)


def decide_migrate(office: Office, command: Command, desk: Desk) -> Iterator[Fact]:
    """Move an open case to another version of its flow; a chief says why, and the record says old, new and the map."""
    body = read_body(command.kind, command.body, MigrateBody)
    serial = serial_of(command.subject)
    found = get_case(desk.state, serial)
    if found is None:
        raise Missing(
            f"Case {command.subject} does not exist.", code="case.unknown", where="subject", remedy="Check the id."
        )
    version, case = found
    asker = office.asker(desk, body.as_person)
    grant = _mover(asker, case)
    if grant is None:
        raise Denied(
            f"Actor {asker.id} may not move cases to another version of their flow.",
            code="case.role_missing",
            where=command.subject,
            remedy=f"Ask a {' or '.join(MOVERS)}.",
            needs=[{"role": role, "unit": None} for role in MOVERS],
        )
    if command.expects is not None and command.expects != version:
        raise stale(serial, version, command.expects, case, office.calendar.zone)
    if not body.note.strip():
        raise Invalid(
            "Move to another version gives no reason.",
            code="case.reason_missing",
            where="body.note",
            remedy="Write the reason in the note.",
        )
    new = find_version(office, desk.state, body.to)
    old = office.pinned_flow(desk.state, case.flow_hash)
    category = get_opening(desk.state, serial).category
    moved = Move(office, old, new, case, body.map, category).body()
    yield from office.definition(desk.state, *new)
    said: Body = {"action": "migrate", "person": person_document(asker, grant), "note": body.note}
    if case.historical:
        said |= {"historical": True, "at": case.seen_at}
    yield Fact("case.acted", id_of(serial), said | moved)


def _mover(asker: Asker, case: CaseState) -> Grant | None:
    for grant in asker.grants:
        if grant.role in MOVERS and grant.district in (None, case.district):
            return grant
    return None


def preview(
    office: Office,
    cases: Iterable[tuple[int, CaseState, str | None]],
    versions: Mapping[str, Flow],
    new: tuple[str, Flow],
    places: Mapping[str, str],
) -> Iterator[dict[str, Any]]:
    """Show for each case (serial, state, class) where its branches would stand and what its clocks would become.

    `versions` are the flows that the cases follow, by hash. Nothing is written; a case that cannot go says why.
    """
    for serial, case, category in cases:
        shown: dict[str, Any] = {
            "id": id_of(serial),
            "from": case.flow_hash,
            "to": new[0],
            "steps": [],
            "clocks": [],
            "why_not": None,
        }
        try:
            body = Move(office, versions[case.flow_hash], new, case, places, category).body()
        except QuanyuError as fault:
            yield shown | {"why_not": {"code": fault.code, "message": fault.message, "remedy": fault.remedy}}
            continue
        before = [token.step for token in case.tokens] + [each.node for each in case.waits]
        after = [token[1] for token in body["tokens"]] + [each[1] for each in body["waits"]]
        clocks = msgspec.convert(body["clocks"], list[ClockState])
        yield shown | {
            "steps": [{"from": old, "to": place} for old, place in zip(before, after, strict=True)],
            "clocks": [*_changes(case.clocks, clocks)],
        }


def _changes(before: Iterable[ClockState], after: Iterable[ClockState]) -> Iterator[dict[str, Any]]:
    """Yield each clock that begins, ends or is due at another instant."""
    old, new = ({clock.name: clock for clock in clocks} for clocks in (before, after))
    for name in dict.fromkeys((*old, *new)):
        was, will = old.get(name), new.get(name)
        if was is None or will is None or (was.limit, was.due) != (will.limit, will.due):
            yield {
                "clock": name,
                "limit_before": was.limit if was else None,
                "limit": will.limit if will else None,
                "before": was.due if was else None,
                "due": will.due if will else None,
            }


# -- fold -------------------------------------------------------------------------------------------------------------


def migrated(state: CaseState, body: Body, at: Instant) -> CaseState:
    """Fold a move to another version in: old names of done steps are read as their places in the new one."""
    places: dict[str, str] = body["map"]
    clocks = msgspec.convert(body["clocks"], tuple[ClockState, ...])
    names = {clock.name: clock for clock in clocks}
    until = state.returned_until
    return replace(
        state,
        flow_hash=body["to"],
        tokens=msgspec.convert(body["tokens"], tuple[Token, ...]),
        waits=msgspec.convert(body["waits"], tuple[Waiting, ...]),
        joins=tuple((join, source) for join, source in body["joins"]),
        done=tuple(replace(each, step=places.get(each.step, each.step)) for each in state.done),
        clocks=clocks,
        fired=tuple(each for each in state.fired if _fired_still(each, names, at)),
        units=body["units"],
        limits={name: (limit, version) for name, (limit, version) in body["limits"].items()},
        returned_until=None if until is None else places.get(until, until),
        sent_back=tuple((by, to, places.get(step, step)) for by, to, step in state.sent_back),
    )


def _fired_still(timer: str, clocks: Mapping[str, ClockState], at: Instant) -> bool:
    """Whether a timer that has fired stays fired: its clock is there and has not moved it into the future."""
    name, _, word = timer.rpartition(".")
    if name == "confirm" or name == "bank":
        return True
    clock = clocks.get(name)
    if clock is None:
        return False
    if clock.stands:
        return True
    instant = {"amber": clock.amber, "red": clock.red, "escalate": clock.escalate}.get(word, clock.due)
    return instant is not None and instant <= at
