"""The fold of moves: what a record says of branches becomes tokens, waits, arrivals at joins, values and clocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from quanyu.engines.cases.clocks import forget_fired
from quanyu.engines.cases.state import OF_BRANCHES, CaseState, ClockState, Done, Token, Waiting
from quanyu.kernel.journal import Body, Instant

HUB: Final = "engine:cases"
"""Who did a step that nobody has to do."""


_OTHER_PARTS: Final = frozenset({"waits", "joins", "sides", "data", "passed", "stops", "keep"})


def tokens_of(body: Body) -> tuple[Token, ...]:
    """Return the tokens that a record brings."""
    return tuple([Token(*each) for each in body.get("tokens", ())])


def clocks_of(body: Body) -> tuple[ClockState, ...]:
    """Return the clocks that a record brings."""
    return tuple([clock_of(each) for each in body.get("clocks", ())])


def clock_of(said: Sequence[Any]) -> ClockState:
    """Return a clock as a record says it; one that was read back has lists where a clock has tuples."""
    clock = ClockState(*said)
    return clock if clock.pauses == () else msgspec.convert(said, ClockState)


def put_clocks(state: CaseState, clocks: tuple[ClockState, ...], at: Instant) -> CaseState:
    """Put clocks in; one that moves into the future may fire again."""
    if not clocks:
        return state
    names = {each.name for each in state.clocks}
    if len(names.union([clock.name for clock in clocks])) == len(names) + len(clocks):
        return replace(state, clocks=(*state.clocks, *clocks))
    for clock in clocks:
        if state.find_clock(clock.name) is None:
            state = replace(state, clocks=(*state.clocks, clock))
            continue
        put = tuple(clock if each.name == clock.name else each for each in state.clocks)
        state = replace(state, clocks=put, fired=forget_fired(state, clock, at))
    return state


def moved(state: CaseState, body: Body, at: Instant) -> CaseState:
    """Take away the branch that left, with its clocks; put what the record brings in its place."""
    new = tokens_of(body)
    left, waited = body.get("left"), body.get("waited")
    place = next((n for n, token in enumerate(state.tokens) if token.id == left), len(state.tokens))
    if waited is not None:
        state = _without(state, waited, state.tokens)
    tokens = tuple([token for token in state.tokens if token.id != left])
    last = state.token_last
    if new:
        by_id = {token.id: token for token in new}
        kept = [by_id.pop(token.id, token) for token in tokens]
        # A branch that goes on keeps its place: the first token leads.
        tokens = (*kept[:place], *by_id.values(), *kept[place:])
        last = max([last, *[token.id for token in tokens]])
    if left is not None:
        state = _without(state, left, tokens, last)
    elif new:
        state = replace(state, tokens=tokens, token_last=last)
    if not _OTHER_PARTS.isdisjoint(body):
        state = other_parts(state, body, at)
    return put_clocks(state, clocks_of(body), at)


def _without(state: CaseState, gone: int, tokens: tuple[Token, ...], last: int | None = None) -> CaseState:
    """Take a branch away that left `tokens` behind."""
    names = (f"step.{gone}", f"wait.{gone}")
    stems = (f"step.{gone}.", f"wait.{gone}.", f"bound.{gone}.")
    clocks = [clock for clock in state.clocks if clock.name not in names and not clock.name.startswith(stems[2])]
    return replace(
        state,
        tokens=tokens,
        token_last=state.token_last if last is None else last,
        waits=tuple(each for each in state.waits if each.id != gone) if state.waits else (),
        sides=tuple(each for each in state.sides if each != gone) if state.sides else (),
        clocks=tuple(clocks),
        fired=tuple([name for name in state.fired if not name.startswith(stems)]) if state.fired else (),
    )


def other_parts(state: CaseState, body: Body, at: Instant) -> CaseState:
    """Fold what only flows with branches, choices and clocks of their own bring."""
    if "waits" in body:
        waits = (*state.waits, *msgspec.convert(body["waits"], tuple[Waiting, ...]))
        state = replace(state, waits=waits, token_last=max(state.token_last, *(each.id for each in waits)))
    if "joins" in body:
        state = replace(state, joins=tuple((join, source) for join, source in body["joins"]))
    if "sides" in body:
        state = replace(state, sides=(*state.sides, *body["sides"]))
    if "data" in body:
        state = replace(state, data=state.data | body["data"])
    if "passed" in body:
        done = tuple(Done(each["step"], at, HUB) for each in body["passed"] if "step" in each)
        state = replace(state, done=(*state.done, *done))
    if "keep" in body:
        state = replace(state, keep=clock_of(body["keep"]))
    if "stops" in body:
        stops = body["stops"]
        stopped = (replace(each, stopped=at) if each.name in stops and each.begun else each for each in state.clocks)
        state = replace(state, clocks=tuple(stopped))
    return state


def without_branches(state: CaseState, at: Instant) -> CaseState:
    """End every branch; the clocks of the case stop, those that went with branches or notices go."""
    clocks = tuple(
        clock if clock.stopped is not None else replace(clock, stopped=at)
        for clock in state.clocks
        if not clock.name.startswith(OF_BRANCHES)
    )
    return replace(state, tokens=(), waits=(), joins=(), sides=(), disputed=0, clocks=clocks)
