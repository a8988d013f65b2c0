"""Rules, and changes of rules, flows and parameters.

A change is proposed, replayed over the last days, and released by a second person.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal

import msgspec

from quanyu.faces.http.city import Formatted
from quanyu.faces.http.entities import receipt
from quanyu.faces.http.route import Ask, Route
from quanyu.faces.http.shown import Listing
from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Command
from quanyu.kernel.time import parse_instant

DAYS_MAX = 31
SAMPLES_MAX = 1_000
Limit = Annotated[int, msgspec.Meta(ge=1, le=1000)]
Days = Annotated[int, msgspec.Meta(ge=1, le=DAYS_MAX)]
Kind = Literal["rule", "flow", "parameter"]
State = Literal["proposed", "released", "superseded", "rolled_back", "rejected", "withdrawn"]


class ChangesQuery(msgspec.Struct):
    """Changes, newest first, of a kind, a name, a state; `after` is the number that the page before ended with."""

    kind: Kind | None = None
    name: str | None = None
    state: State | None = None
    after: int | None = None
    limit: Limit = 100
    format: str = "json"


class ProposalBody(msgspec.Struct, forbid_unknown_fields=True):
    """What is to change and why. `definition`: of a rule the fields that change; of a parameter the new row; of a flow
    the whole document.
    """

    kind: Kind
    name: str
    why: str
    definition: dict[str, Any]


class CheckBody(msgspec.Struct, forbid_unknown_fields=True):
    """What would be proposed."""

    kind: Kind
    name: str
    definition: dict[str, Any]


class EditBody(msgspec.Struct, forbid_unknown_fields=True):
    """New words for a proposal, over the revision that was read."""

    revision: int
    why: str
    definition: dict[str, Any]


class DaysBody(msgspec.Struct, forbid_unknown_fields=True):
    """Over how many days."""

    days: Days = 30


class ReleaseBody(msgspec.Struct, forbid_unknown_fields=True):
    """The revision that was looked at, with its replay."""

    revision: int
    reason: str = ""


class ReasonBody(msgspec.Struct, forbid_unknown_fields=True):
    """Why."""

    reason: str


class SampleBody(msgspec.Struct, forbid_unknown_fields=True):
    """Values seen at one instant (RFC 3339), by attribute."""

    at: str
    values: dict[str, float]


class TrialBody(msgspec.Struct, forbid_unknown_fields=True):
    """A made-up series. `definition`: the fields in which the rule would differ; `until`: a rule of silence is asked then."""

    samples: list[SampleBody]
    definition: dict[str, Any] | None = None
    until: str | None = None


def rules(ask: Ask) -> Listing:
    """Rules as sentences, with their version, where they come from, and how often they fired in 30 days."""
    return Listing(ask.hub.changes.rule_list(), name="rules")


def rule(ask: Ask) -> dict[str, Any]:
    """One rule."""
    return ask.hub.changes.rule(ask.path("name"))


def trial(ask: Ask) -> dict[str, Any]:
    """Try a rule on a series, sample by sample; nothing is kept."""
    sent: TrialBody = ask.body
    if not 1 <= len(sent.samples) <= SAMPLES_MAX:
        raise Invalid(
            f"The series has {len(sent.samples)} samples.",
            code="change.samples",
            where="samples",
            remedy=f"Send 1 to {SAMPLES_MAX}.",
        )
    samples = [(parse_instant(each.at, where=f"samples.{i}.at"), each.values) for i, each in enumerate(sent.samples)]
    if any(later <= earlier for (earlier, _), (later, _) in pairwise(samples)):
        raise Invalid(
            "The series is not in order of time.", code="change.samples", where="samples", remedy="Sort it by `at`."
        )
    until = None if sent.until is None else parse_instant(sent.until, where="until")
    return {"steps": ask.hub.changes.trial(ask.path("name"), sent.definition, samples, until)}


def changes(ask: Ask) -> Listing:
    """Changes, newest first."""
    asked: ChangesQuery = ask.query
    found = ask.hub.changes.query(asked.kind, asked.name, asked.state, asked.after, asked.limit)
    return Listing(found, str(found[-1]["number"]) if len(found) == asked.limit else None, name="changes")


def change(ask: Ask) -> dict[str, Any]:
    """A change with its differences, as fields and sentences, and what its replay found."""
    return ask.hub.changes.find(ask.path("id"))


def check(ask: Ask) -> dict[str, Any]:
    """What a proposal would change, as fields and sentences; refused as the proposal would be. Nothing is kept."""
    sent: CheckBody = ask.body
    return ask.hub.changes.check(sent.kind, sent.name, sent.definition)


async def propose(ask: Ask) -> dict[str, Any]:
    """Propose a change; what would not load is refused here, with line and column."""
    command = Command("change.propose", "", msgspec.to_builtins(ask.body))
    return receipt(ask, await ask.hub.commit([command], ask.actor.id, key=ask.key))


async def edit(ask: Ask) -> dict[str, Any]:
    """Edit a proposal; who edits it may not release it, and its replay has to be run again."""
    return await _sent(ask, "change.edit")


async def release(ask: Ask) -> dict[str, Any]:
    """Release a change: the second person; it is in force when the answer is given."""
    return await _sent(ask, "change.release")


async def reject(ask: Ask) -> dict[str, Any]:
    """Reject a change that somebody else wrote."""
    return await _sent(ask, "change.reject")


async def withdraw(ask: Ask) -> dict[str, Any]:
    """Withdraw a change of one's own."""
    return await _sent(ask, "change.withdraw")


async def roll_back(ask: Ask) -> dict[str, Any]:
    """Put the version before a released change back into force."""
    return await _sent(ask, "change.roll_back")


async def _sent(ask: Ask, kind: str) -> dict[str, Any]:
    command = Command(kind, ask.path("id"), msgspec.to_builtins(ask.body))
    return receipt(ask, await ask.hub.commit([command], ask.actor.id, key=ask.key))


def start_replay(ask: Ask) -> dict[str, Any]:
    """Start a replay over the last days; its outcome is kept with the change."""
    return ask.hub.changes.start_replay(ask.path("id"), ask.body.days, ask.actor.id)


def replay(ask: Ask) -> dict[str, Any]:
    """How far the replay is, and the outcome that is kept."""
    found = ask.hub.changes.find(ask.path("id"))
    return {"job": found["job"], "replay": found["replay"], "revision": found["revision"]}


def stop_replay(ask: Ask) -> dict[str, Any]:
    """Stop a replay."""
    return ask.hub.changes.stop_replay(ask.path("id"))


ONE = "/api/v1/changes/{id}"

ROUTES = (
    Route(method="GET", path="/api/v1/rules", permission="view:rules", handle=rules,
          summary="Rules as sentences, with hit counters", query=Formatted),
    Route(method="GET", path="/api/v1/rules/{name}", permission="view:rules", handle=rule, summary="One rule"),
    Route(method="POST", path="/api/v1/rules/{name}/trial", permission="view:rules", handle=trial,
          summary="Try a rule on a series", body=TrialBody),
    Route(method="GET", path="/api/v1/changes", permission="view:changes", handle=changes,
          summary="Changes of rules, flows and parameters", query=ChangesQuery),
    Route(method="POST", path="/api/v1/changes", permission="change.propose", handle=propose,
          summary="Propose a change", body=ProposalBody, status=201),
    Route(method="POST", path="/api/v1/changes/check", permission="change.propose", handle=check,
          summary="What a change would say; writes nothing", body=CheckBody),
    Route(method="GET", path=ONE, permission="view:changes", handle=change, summary="A change with its differences"),
    Route(method="PATCH", path=ONE, permission="change.edit", handle=edit, summary="Edit a proposal", body=EditBody),
    Route(method="POST", path=f"{ONE}/replay", permission="change.replay", handle=start_replay,
          summary="Replay a change over the last days", body=DaysBody, status=202),
    Route(method="GET", path=f"{ONE}/replay", permission="view:changes", handle=replay,
          summary="Progress and outcome of a replay"),
    Route(method="DELETE", path=f"{ONE}/replay", permission="change.replay", handle=stop_replay,
          summary="Stop a replay"),
    Route(method="POST", path=f"{ONE}/release", permission="change.release", handle=release,
          summary="Release a change (second person)", body=ReleaseBody),
    Route(method="POST", path=f"{ONE}/reject", permission="change.reject", handle=reject, summary="Reject a change",
          body=ReasonBody),
    Route(method="POST", path=f"{ONE}/withdraw", permission="change.withdraw", handle=withdraw,
          summary="Withdraw a change", body=ReasonBody),
    Route(method="POST", path=f"{ONE}/roll-back", permission="change.roll_back", handle=roll_back,
          summary="Put the version before back", body=ReasonBody),
)  # fmt: skip
