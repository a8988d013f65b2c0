"""An action that a case allows now: who may take it (any one of its needs is enough) and what it must bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from quanyu.engines.cases.state import CaseState, Token
from quanyu.kernel.flow import APPLICANT, Evidence, Field
from quanyu.kernel.view import Grant

ROLE_ALIASES: Final[Mapping[str, str]] = {"lead": "handler", "support": "handler", "check": "supervisor"}
"""The role that works for a unit of a flow, by the flow's word; any other word of a flow is worked by handlers."""

REPORTER: Final = "reporter"
THEMSELVES: Final = frozenset({REPORTER, APPLICANT})
"""Who comes with the code of a case; a clerk does in their name what they tell at the counter or by telephone."""

INVOLVED: Final = "involved"
MACHINE: Final = "machine"
"""Who does a receive step besides its role: the hub's own parts, when a message has come."""

DESKS: Final = ("duty", "dispatcher", "chief", "clerk", "supervisor")

NOTE: Final = Field("note", "text", True, "理由", "Reason")
NOTE_FREE: Final = Field("note", "text", False, "说明", "Note")

TITLES: Final[dict[str, tuple[str, str]]] = {
    "return": ("退回", "Return"),
    "dispute": ("提出异议", "Dispute"),
    "arbitrate": ("裁定", "Arbitrate"),
    "pause": ("暂停计时", "Pause the clock"),
    "resume": ("恢复", "Resume"),
    "suspend": ("挂账", "Suspend"),
    "postpone": ("续挂", "Keep in the bank"),
    "strike_off": ("销账结案", "Close from the bank"),
    "extend": ("申请延期", "Ask for more time"),
    "decide_extension": ("审批延期", "Decide on more time"),
    "comment": ("备注", "Comment"),
    "assign": ("指派", "Assign"),
    "claim": ("认领", "Claim"),
    "release": ("放回", "Put back"),
    "reopen": ("重新打开", "Reopen"),
    "merge": ("合并", "Merge"),
    "split": ("拆分", "Split"),
    "unlike": ("不是同一件", "Not the same"),
    "confirm": ("回访确认", "Confirm"),
    "acknowledge": ("确认收到", "Acknowledge"),
    "save": ("填写", "Fill in"),
    "contradict": ("信息有误", "Not right"),
    "prove_subject": ("核验身份", "Prove who applies"),
    "withdraw": ("撤回申请", "Withdraw"),
}


class Need(msgspec.Struct, frozen=True):
    """One way of being allowed: a role, at a unit where one is named."""

    role: str
    unit: str | None = None

    def __str__(self) -> str:
        return f"{self.role} of {self.unit}" if self.unit else self.role


class Asker(msgspec.Struct, frozen=True):
    """Who asks, with the grants held; `case` is the serial of the case that a citizen's code opened.

    `subjects` are the person and the firm that a citizen signed in as.
    """

    id: str
    grants: tuple[Grant, ...] = ()
    case: int | None = None
    name: str | None = None
    subjects: tuple[str, ...] = ()

    def brings(self, serial: int, state: CaseState) -> bool:
        """Whether a citizen asks about a case of its own: by its code, or signed in as who applies."""
        return self.case == serial or any(each in state.subjects for each in self.subjects)

    @property
    def is_engine(self) -> bool:
        """Whether one of the hub's own engines asks."""
        return self.id.startswith("engine:")


class Option(msgspec.Struct, frozen=True):
    """An action that the case allows now; `engines` says that the hub's own engines may take it, too."""

    action: str
    by: tuple[Need, ...]
    zh: str
    en: str
    step: str | None = None
    token: int | None = None
    fields: tuple[Field, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    outcomes: tuple[str, ...] = ()
    engines: bool = False


def need_of(state: CaseState, role: str) -> Need:
    """Return who answers to a role of this flow now: a unit's people, or whoever holds the role in the district."""
    unit = state.units.get(role)
    return Need(ROLE_ALIASES.get(role, "handler" if unit else role), unit)


def common_option(action: str, by: Sequence[Need], fields: Sequence[Field], token: Token | None = None) -> Option:
    """Return an action that every case knows, under its title."""
    zh, en = TITLES[action]
    return Option(
        action=action,
        by=tuple(by),
        zh=zh,
        en=en,
        step=token.step if token else None,
        token=token.id if token else None,
        fields=tuple(fields),
    )


def desks(*roles: str) -> tuple[Need, ...]:
    """Return needs of roles that any of these desks meets."""
    return tuple(Need(role) for role in roles)


def workable(state: CaseState) -> bool:
    """Whether steps may be done: the case is open and stands by itself."""
    return state.state == "open" and state.merged_into is None
