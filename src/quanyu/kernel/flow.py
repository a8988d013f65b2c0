"""The words of a flow: who does which step, within what limit, with what proof, and how a case may end.

A flow is a frozen value and is checked where it is written down: a flow that exists can be walked to its end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal

import msgspec

from quanyu.kernel.errors import Invalid
from quanyu.kernel.time import DayLimit, Limit, WallLimit

NAME: Final = re.compile(r"^[a-z][a-z0-9_]{0,63}$")

DESK_ROLES: Final = frozenset(
    ("duty", "dispatcher", "handler", "supervisor", "clerk", "chief", "engineer", "administrator")
)
"""Roles that every city has; a flow maps any other to a unit (or to "" for the role itself, wherever it is held)."""

STEP_TITLES: Final[Mapping[str, tuple[str, str]]] = {
    "collect": ("采集", "Collect"), "register": ("立案", "Open the file"), "accept": ("受理", "Accept"),
    "dispatch": ("派遣", "Dispatch"), "inspect": ("现场检查", "Inspect"), "handle": ("处置", "Handle"),
    "feedback": ("反馈", "Feed back"), "check": ("核查", "Check on site"), "call_back": ("回访", "Call back"),
    "review": ("复核", "Review"), "close": ("结案", "Close"),
}  # fmt: skip
"""The seven stages of a city-management case (rules.md B2) and their neighbours, as (zh, en)."""


class Parameter(msgspec.Struct, frozen=True):
    """A limit that stands in a dated table: the case pins the version in force when it is opened."""

    id: str


class Evidence(msgspec.Struct, frozen=True):
    """Proof that a step must bring: `count` photos, or one measured value of an attribute."""

    kind: Literal["photo", "measurement"]
    count: int = 1
    attribute: str | None = None


class Permission(msgspec.Struct, frozen=True):
    """What the holder of a step may do besides doing it; `ground` says why a clock may stand."""

    word: Literal["dispute", "return", "pause"]
    ground: str | None = None


class Ending(msgspec.Struct, frozen=True):
    """A word that a case may end with, and the field that makes the word true."""

    word: str
    needs: Literal["evidence", "date", "who", "why"]
    zh: str
    en: str


class SamePerson(msgspec.Struct, frozen=True):
    """Forbids a step to whoever did the named step."""

    step: str


class Extension(msgspec.Struct, frozen=True):
    """How much longer a limit may be made, once, and which role has to agree."""

    by: Limit | Parameter
    role: str = "chief"


class Field(msgspec.Struct, frozen=True):
    """Something a step asks for; `kind` is how a form shows it."""

    name: str
    kind: Literal["text", "number", "date", "choice", "yes_no", "unit", "units", "person", "case"] = "text"
    required: bool = True
    zh: str = ""
    en: str = ""
    choices: tuple[str, ...] = ()

    @property
    def title(self) -> dict[str, str]:
        """The words beside the field; the name where none were given."""
        return {"zh": self.zh or self.name, "en": self.en or self.name}


class Step(msgspec.Struct, frozen=True):
    """One piece of work: done by `by`, within a limit of its own, before the next may begin.

    `to` makes it a dispatch to the unit of that role; `fails` makes it a check that may send the case back;
    `outcome` lets it end the case; `extend` lets its holder ask for more time before that of the flow.
    """

    name: str
    by: str
    zh: str
    en: str
    within: Limit | Parameter | None = None
    to: str | None = None
    may: tuple[Permission, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    unless: SamePerson | None = None
    outcome: tuple[Ending, ...] = ()
    fails: str | None = None
    fields: tuple[Field, ...] = ()
    tells: str | None = None
    extend: Extension | None = None

    @property
    def back(self) -> str | None:
        """The step that a failed check sends the case back to."""
        return self.fails or (self.unless.step if self.unless else None)

    @property
    def grounds(self) -> tuple[str, ...]:
        """Grounds on which the clock may stand during this step."""
        return tuple(each.ground for each in self.may if each.word == "pause" and each.ground)

    @property
    def title(self) -> dict[str, str]:
        """What the step is called."""
        return {"zh": self.zh, "en": self.en}

    def permits(self, word: str) -> bool:
        """Whether the holder may also dispute, return or pause."""
        return any(each.word == word for each in self.may)


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """A checked order of steps for one kind of case; amber and red are shares of the overall limit that are used.

    `escalate` is the unit that is told when the overall limit has passed, `escalate_after` that much later;
    `confirm` is how long the reporter is asked whether it is fixed; no answer leaves the outcome as it stands.
    """

    name: str
    case: str
    zh: str
    en: str
    roles: Mapping[str, str]
    steps: tuple[Step, ...]
    overall: Limit | Parameter
    amber: float = 0.7
    red: float = 0.9
    escalate: str | None = None
    escalate_after: Limit | None = None
    confirm: Limit | None = None
    extend: Extension | None = None

    @property
    def title(self) -> dict[str, str]:
        """What the flow is called."""
        return {"zh": self.zh, "en": self.en}

    def get_step(self, name: str) -> Step:
        """Return a step by name; a flow was checked, so an unknown name is our own mistake."""
        return next(each for each in self.steps if each.name == name)

    def following(self, name: str) -> Step | None:
        """Return the step after this one; None after the last."""
        names = [each.name for each in self.steps]
        place = names.index(name) + 1
        return self.steps[place] if place < len(names) else None

    def dispatch_before(self, name: str) -> Step | None:
        """Return the nearest earlier step that dispatches: where a returned case goes."""
        before = self.steps[: [each.name for each in self.steps].index(name)]
        return next((each for each in reversed(before) if each.to), None)

    @property
    def handling(self) -> Step:
        """The step that does the work: the one dispatched to, else what a failed check returns to, else the first."""
        for place, each in enumerate(self.steps[:-1]):
            if each.to:
                return self.steps[place + 1]
        backs = (each.back for each in self.steps)
        return next((self.get_step(back) for back in backs if back), self.steps[0])

    @property
    def parameters(self) -> tuple[str, ...]:
        """Ids of the parameters that limits refer to."""
        longer = [extend.by for extend in (self.extend, *(each.extend for each in self.steps)) if extend]
        limits = (self.overall, *(each.within for each in self.steps), *longer)
        return tuple(dict.fromkeys(each.id for each in limits if isinstance(each, Parameter)))


fixed: Final = Ending("fixed", "evidence", "已解决", "Fixed")
planned: Final = Ending("planned", "date", "已列入计划", "Planned")
not_ours: Final = Ending("not_ours", "who", "不属本单位职责", "Not ours")
no_action: Final = Ending("no_action", "why", "不予处理", "No action")

ENDINGS: Final[Mapping[str, Ending]] = {each.word: each for each in (fixed, planned, not_ours, no_action)}
"""Never a bare "closed": the word says what became of the matter (console.md §1, habit 5)."""

dispute: Final = Permission("dispute")
return_once: Final = Permission("return")


def pause(ground: str) -> Permission:
    """Let the holder stop the clock, for this stated ground and no other."""
    return Permission("pause", ground)


def photo(count: int = 1) -> Evidence:
    """Ask for so many photographs (files of an image type)."""
    return Evidence("photo", count)


def measurement(attribute: str) -> Evidence:
    """Ask for a measured value, in the unit that the attribute has."""
    return Evidence("measurement", 1, attribute)


def same_person(step: str) -> SamePerson:
    """Keep the doer of that step away from this one."""
    return SamePerson(step)


def extension(by: Limit | Parameter, *, role: str = "chief") -> Extension:
    """Let the holder ask for so much more time; the role agrees or refuses, and it is given once."""
    return Extension(by, role)


def parameter(id: str) -> Parameter:
    """Take the limit from the dated parameter of this id."""
    return Parameter(id)


def step(
    name: str,
    *,
    by: str,
    within: Limit | Parameter | None = None,
    to: str | None = None,
    may: Iterable[Permission] = (),
    evidence: Iterable[Evidence] = (),
    unless: SamePerson | None = None,
    outcome: Iterable[Ending] = (),
    fails: str | None = None,
    fields: Iterable[Field] = (),
    tells: str | None = None,
    extend: Extension | None = None,
    zh: str | None = None,
    en: str | None = None,
) -> Step:
    """Write down a step; the stages of rules.md B2 have titles already, other steps fall back on their name."""
    known = STEP_TITLES.get(name, (name, name))
    return Step(
        name=name, by=by, zh=zh or known[0], en=en or known[1], within=within, to=to, may=tuple(may),
        evidence=tuple(evidence), unless=unless, outcome=tuple(outcome), fails=fails, fields=tuple(fields), extend=extend,
        tells=tells,
    )  # fmt: skip


def flow(
    name: str,
    *,
    case: str,
    steps: Iterable[Step],
    overall: Limit | Parameter,
    roles: Mapping[str, str] | None = None,
    amber: float = 0.7,
    red: float = 0.9,
    escalate: str | None = None,
    escalate_after: Limit | None = None,
    confirm: Limit | None = None,
    extend: Extension | None = None,
    zh: str | None = None,
    en: str | None = None,
) -> Flow:
    """Write down a flow; raises Invalid with the flow and the step when it could not be walked to an end."""
    made = Flow(
        name=name, case=case, zh=zh or name, en=en or name, roles=dict(roles or {}), steps=tuple(steps), overall=overall,
        amber=amber, red=red, escalate=escalate, escalate_after=escalate_after, confirm=confirm, extend=extend,
    )  # fmt: skip
    _check_flow(made)
    for place, each in enumerate(made.steps):
        _check_step(made, each, {before.name for before in made.steps[:place]})
    return made


def _refuse(why: str, code: str, place: str, remedy: str) -> Invalid:
    return Invalid(f"{place[0].upper()}{place[1:]} {why}", code=f"flow.{code}", where=place, remedy=remedy)


def _check_flow(made: Flow) -> None:
    place = f"flow {made.name}"
    if not NAME.match(made.name) or not NAME.match(made.case):
        raise _refuse(f"or its case {made.case!r} has no name in snake_case.", "name", place, "Use a-z, 0-9 and _.")
    if not made.steps:
        raise _refuse("has no steps.", "empty", place, "Give it at least a step that ends the case.")
    names = [each.name for each in made.steps]
    for name in names:
        if names.count(name) > 1:
            raise _refuse(f"has two steps {name!r}.", "step_twice", place, "Give each step its own name.")
    if not made.steps[-1].outcome:
        raise _refuse(
            f"ends with step {names[-1]!r}, which has no outcome.",
            "outcome_missing",
            place,
            f"Give the last step outcome=[{', '.join(ENDINGS)}] or some of them.",
        )
    if not 0 < made.amber < made.red <= 1:
        raise _refuse(f"has amber {made.amber} and red {made.red}.", "share", place, "Keep 0 < amber < red <= 1.")
    if made.escalate_after is not None and not made.escalate:
        raise _refuse("escalates to nobody.", "escalate", place, "Name the unit in escalate=.")
    _check_limit(made.overall, place)
    _check_extension(made, made.extend, place)
    for limit in (made.escalate_after, made.confirm):
        if limit is not None and not isinstance(limit, WallLimit | DayLimit):
            raise _refuse(f"has the limit {limit!r}.", "limit", place, "Use hours(), working_days() and the like.")


def _check_limit(limit: object, place: str) -> None:
    if not isinstance(limit, WallLimit | DayLimit | Parameter):
        raise _refuse(
            f"has the limit {limit!r}.", "limit", place, "Use hours(), working_days() and the like, or parameter()."
        )


def _check_extension(made: Flow, extend: Extension | None, place: str) -> None:
    if extend is not None:
        _check_limit(extend.by, place)
        _check_role(made, extend.role, place)


def _check_role(made: Flow, role: str, place: str) -> None:
    if role not in made.roles and role not in DESK_ROLES:
        known = ", ".join((*made.roles, *sorted(DESK_ROLES)))
        raise _refuse(f"names the role {role!r}.", "role_unknown", place, f"Add it to roles= or use one of {known}.")


def _check_step(made: Flow, each: Step, earlier: set[str]) -> None:
    place = f"flow {made.name} step {each.name}"
    if not NAME.match(each.name):
        raise _refuse("has no name in snake_case.", "name", place, "Use a-z, 0-9 and _.")
    if each.name in RESERVED:
        raise _refuse("bears the name of an action.", "name", place, f"Use none of {', '.join(sorted(RESERVED))}.")
    for role in (each.by, each.to):
        if role is not None:
            _check_role(made, role, place)
    _check_extension(made, each.extend, place)
    for name in (each.fails, each.unless.step if each.unless else None):
        if name is not None and name not in earlier:
            known = ", ".join(sorted(earlier)) or "none: it is the first"
            raise _refuse(f"points to step {name!r}.", "step_unknown", place, f"Name an earlier step ({known}).")
    if each.within is not None:
        _check_limit(each.within, place)
    if each.permits("return") and made.dispatch_before(each.name) is None:
        raise _refuse("returns to nobody.", "return_nowhere", place, "Put a step with to= before it.")
    if each.to and (each.outcome or each.back):
        raise _refuse("dispatches and judges at once.", "two_in_one", place, "Make two steps of it.")
    _check_proof(each, place)


def _check_proof(each: Step, place: str) -> None:
    for proof in each.evidence:
        if proof.count < 1 or (proof.kind == "measurement" and not proof.attribute):
            raise _refuse("asks for empty evidence.", "evidence", place, "Use photo(n) with n >= 1, measurement(name).")
    if any(permission.word == "pause" and not permission.ground for permission in each.may):
        raise _refuse("pauses without a ground.", "ground", place, "State it: pause('weather').")
    words = [ending.word for ending in each.outcome]
    if unknown := [word for word in words if word not in ENDINGS]:
        raise _refuse(f"ends with the word {unknown[0]!r}.", "outcome_unknown", place, f"Use {', '.join(ENDINGS)}.")
    names = [field.name for field in each.fields]
    if len({*names, "passed", "outcome"}) < len(names) + 2:
        raise _refuse("asks twice for one field.", "field", place, "Name each once; passed and outcome are taken.")


RESERVED: Final = frozenset(
    {"return", "dispute", "arbitrate", "pause", "resume", "suspend", "comment", "assign", "claim", "reopen", "merge"}
    | {
        "extend",
        "decide_extension",
        "postpone",
        "strike_off",
        "merged",
        "split",
        "separated",
        "confirm",
        "acknowledge",
        "tell",
        "receipt",
        "open",
        "find",
    }
    | {"timer", "recount"}
)
"""Actions that every case knows; no step may take their names."""
