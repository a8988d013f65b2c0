"""The parts of a flow: steps, and what stands between them; who, within what limit, with what proof, to what end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from quanyu.kernel.time import Limit

AUTOMATIC: Final = frozenset(("service", "send", "rule"))
"""Kinds of steps that the hub passes by itself; user, manual and receive wait for an act."""

NAME: Final = re.compile(r"^[a-z][a-z0-9_]{0,63}$")

NAME_MAX: Final = 200


def is_name(text: str) -> bool:
    """Say whether a step or node may bear the name: snake_case, after a call `<call>.<element>`."""
    return len(text) <= NAME_MAX and all(NAME.match(part) for part in text.split("."))


DESK_ROLES: Final = frozenset(
    ("duty", "dispatcher", "handler", "supervisor", "clerk", "chief", "engineer", "administrator")
)
"""Roles that every city has; a flow maps any other to a unit (or to "" for the role itself, wherever it is held)."""

APPLICANT: Final = "applicant"
"""Who applies: by number and code, as the subject that is proven, or a clerk in that name; no flow has to map it."""

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
    """Something a step asks for; `kind` is how a form shows it. Indicators may fold what is `counted`.

    What is `personal` is kept sealed and goes with the rest when the flow's time to keep it is over. `when` names another
    field of the same step and its value: this one is asked for only then.
    """

    name: str
    kind: Literal["text", "number", "date", "choice", "yes_no", "unit", "units", "person", "case"] = "text"
    required: bool = True
    zh: str = ""
    en: str = ""
    choices: tuple[str, ...] = ()
    counted: bool = False
    personal: bool = False
    when: tuple[str, bool | str] | None = None

    def asked(self, fields: Mapping[str, Any]) -> bool:
        """Whether the field is asked for beside these others."""
        return self.when is None or fields.get(self.when[0]) == self.when[1]

    @property
    def title(self) -> dict[str, str]:
        """The words beside the field; the name where none were given."""
        return {"zh": self.zh or self.name, "en": self.en or self.name}


class Boundary(msgspec.Struct, frozen=True):
    """A timer on a step: when `after` has passed since the step began (or since a date field), go to `to` as well.

    An interrupting one takes the step away from whoever holds it. Any other opens a side branch, which holds no case
    open; while that branch stands it is not opened again.
    """

    name: str
    after: Limit | Parameter
    to: str
    interrupting: bool = True
    since: str | None = None


class Arrow(msgspec.Struct, frozen=True):
    """What follows what: "" as source is the start, "" as target an end; `when` guards a way out of a choice."""

    source: str
    target: str
    when: str | None = None


class Gateway(msgspec.Struct, frozen=True):
    """Where ways part or meet.

    Exclusive: one way goes on, the first whose guard holds, else the one without a guard. Parallel: waits for every
    way that leads here, then goes on along every way that leads out.
    """

    name: str
    kind: Literal["exclusive", "parallel"]
    zh: str = ""
    en: str = ""

    @property
    def title(self) -> dict[str, str]:
        """What it is called; its name where no words were given."""
        return {"zh": self.zh or self.name, "en": self.en or self.name}


class Wait(msgspec.Struct, frozen=True):
    """A stretch in which nobody has to do anything: from arrival, or from the day in a date field, `until` is over."""

    name: str
    until: Limit | Parameter
    since: str | None = None
    zh: str = ""
    en: str = ""

    @property
    def title(self) -> dict[str, str]:
        """What it is called; its name where no words were given."""
        return {"zh": self.zh or self.name, "en": self.en or self.name}


class Call(msgspec.Struct, frozen=True):
    """Another flow in the place of a step; `expand_calls` puts its elements here as `<call>.<element>`."""

    name: str
    flow: str
    zh: str = ""
    en: str = ""

    @property
    def title(self) -> dict[str, str]:
        """What it is called; its name where no words were given."""
        return {"zh": self.zh or self.name, "en": self.en or self.name}


class FlowClock(msgspec.Struct, frozen=True):
    """A clock of the case besides the overall one: an answer due within so many days, a treaty's term.

    It starts at the opening, or on the day in the date field `since` once that is filled (again, when the day is
    mended); it stops when the step `until` is done, else with the case. More time given to the overall clock moves it
    too where it `follows`, and no other: the law that gives it seldom knows of the extension.
    """

    name: str
    limit: Limit | Parameter
    since: str | None = None
    until: str | None = None
    zh: str = ""
    en: str = ""
    follows: bool = False

    @property
    def title(self) -> dict[str, str]:
        """What it is called; its name where no words were given."""
        return {"zh": self.zh or self.name, "en": self.en or self.name}


class Keeping(msgspec.Struct, frozen=True):
    """How long what a case tells of a person may be kept, counted from the date field `since`; then it is erased.

    It runs on when the case has ended, stands or is merged. What people write in such a case is sealed from the start:
    destroying the key erases it, and number, grade, dates and the hashes of the chain remain. `tells` is who hears of it.
    """

    limit: Limit | Parameter
    since: str
    tells: str | None = None


Node = Gateway | Wait | Call
"""An element of a flow that is no step."""


class Step(msgspec.Struct, frozen=True):
    """One piece of work: done by `by`, within a limit of its own, before the next may begin.

    `to` makes it a dispatch to the unit of that role; `fails` makes it a check that may send the case back;
    `outcome` lets it end the case, with `ends` it always does, whatever other branches stand; `extend` lets its holder
    ask for more time before that of the flow; `tells` is an event that the city's receivers hear of when the step is
    done. Steps of the kinds in `AUTOMATIC` are passed by the hub itself within the decision that reaches them; `sets`
    of a rule step are (field, expression). `form` is the id of what the applicant fills in there, page by page: the
    step is done when that is complete.
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
    ends: bool = False
    extend: Extension | None = None
    kind: Literal["user", "manual", "receive", "service", "send", "rule"] = "user"
    boundary: tuple[Boundary, ...] = ()
    sets: tuple[tuple[str, str], ...] = ()
    form: str = ""

    @property
    def waits(self) -> bool:
        """Whether somebody has to act before the case goes on."""
        return self.kind not in AUTOMATIC

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


fixed: Final = Ending("fixed", "evidence", "已解决", "Fixed")
planned: Final = Ending("planned", "date", "已列入计划", "Planned")
not_ours: Final = Ending("not_ours", "who", "不属本单位职责", "Not ours")
no_action: Final = Ending("no_action", "why", "不予处理", "No action")

granted: Final = Ending("granted", "why", "准予", "Granted")
refused: Final = Ending("refused", "why", "不予许可", "Refused")
withdrawn: Final = Ending("withdrawn", "why", "申请人撤回", "Withdrawn by the applicant")
lapsed: Final = Ending("lapsed", "why", "逾期未提交", "Not handed in in time")
declined: Final = Ending("declined", "why", "谢绝", "Declined")
lifted: Final = Ending("lifted", "why", "已解除", "Lifted")
corrected: Final = Ending("corrected", "why", "已更正", "Corrected")
replaced: Final = Ending("replaced", "why", "已更新", "Replaced")

OF_MATTERS: Final = (fixed, planned, not_ours, no_action)
"""What becomes of a problem that somebody noticed; an application is granted, refused, withdrawn or lapsed, a warning lifted."""

_OF_OTHERS: Final = (granted, refused, withdrawn, lapsed, declined, lifted, corrected, replaced)
ENDINGS: Final[Mapping[str, Ending]] = {each.word: each for each in (*OF_MATTERS, *_OF_OTHERS)}
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


RESERVED: Final = frozenset(
    {
        "return",
        "dispute",
        "arbitrate",
        "pause",
        "resume",
        "suspend",
        "comment",
        "assign",
        "claim",
        "reopen",
        "merge",
        "release",
    }
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
        "unlike",
        "ended",
    }
    | {"timer", "recount", "migrate"}
    | {"save", "contradict", "prove_subject", "withdraw"}
)
"""Actions that every case knows; no step that somebody does may take their names."""
