"""The gate that the writer asks before every decision: may this actor send this command?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from quanyu.engines.access.scope import Locate, Located, Policy
from quanyu.engines.access.store import PEOPLE, SESSIONS, TOKENS, grants_of
from quanyu.kernel.errors import Denied
from quanyu.kernel.journal import Command, Desk, State
from quanyu.kernel.view import Grant

OPEN_ACTOR = "person:open"
PERSONAL_READ = "personal.read"
"""The record that personal data were read: whoever may open them may write it, and nobody else."""
TRUSTED = ("system:", "engine:", "simulation:")
CITIZEN = (Grant("citizen"),)
REPORTER = "reporter:urn:ngsi-ld:Case:"
OWN_SUBJECT = frozenset({"token.issue", "signin.issue", "person.put", "person.leave"})
"""Commands whose subject is the person they belong to."""
OF_REGISTERS = frozenset({"register.put", "register.correct"})
"""Commands about what a unit's own register holds."""
NO_REGISTERS: Mapping[str, str] = {}
MAKING = frozenset({"case.open"})
"""Commands that make a thing: it stands nowhere yet and belongs to whoever sends them, so every reach covers it."""
JUDGED_BY_OWNER = frozenset({"case.act"})
"""Commands whose engine judges unit, district and citizen itself (a flow says who takes its next step)."""


def action_of(command: Command) -> str:
    """Return the action that permissions are matched with: the kind, and for case actions which one."""
    if command.kind == "case.act":
        return f"case.act:{command.body.get('action', '')}"
    if command.kind == "case.migrate":
        return "case.act:migrate"
    return command.kind


class Gate:
    """Default deny for people and citizens; the hub's own parts pass.

    `locate` says where the subject of a command stands (unit, district, person) for reaches narrower than all;
    `registers` which unit keeps a register.
    """

    def __init__(
        self,
        policy: Policy,
        locate: Locate | None = None,
        open: bool = False,  # noqa: A002
        registers: Mapping[str, str] = NO_REGISTERS,
    ) -> None:
        self._policy = policy
        self._registers = registers
        self._locate = locate
        self._anywhere = MAKING | JUDGED_BY_OWNER if locate is None else MAKING
        self._open = open
        self.widen: Callable[[Sequence[Grant]], Sequence[Grant]] = lambda grants: grants
        """Adds what roles gain while the city's emergency stands; assembly hands it in."""

    def __call__(self, command: Command, desk: Desk) -> None:
        """Pass in silence or raise Denied with the roles that may and who can grant them."""
        actor, kind = desk.actor, command.kind
        if actor.startswith(TRUSTED) or (self._open and actor == OPEN_ACTOR):
            return
        if kind == "session.close" and _owns_session(actor, command.subject, desk.state):
            return
        grants = self._grants(actor, desk.state)
        action = action_of(command)
        if kind == PERSONAL_READ and (
            is_own(command.subject, actor) or self._policy.sees_personal(grants, "view:cases")
        ):
            return
        if kind in self._anywhere:
            passes = self._policy.permits(grants, action)
        else:
            passes = self._policy.allows(actor, grants, action, self._place(command, desk))
        if not passes:
            raise self._policy.refusal(actor, action)
        if kind == "role.grant":
            self._check_handed_on(command, actor, grants)

    def _grants(self, actor: str, state: State) -> Sequence[Grant]:
        if actor.startswith("citizen:"):
            return CITIZEN
        row = state.get(PEOPLE, actor)
        return () if row is None else self.widen(grants_of(row[5]))

    def _place(self, command: Command, desk: Desk) -> Located | None:
        if command.kind in OF_REGISTERS:
            return Located(unit=self._registers.get(str(command.body.get("register", ""))))
        own = own_place(command, desk.state)
        if own is not None or self._locate is None:
            return own
        return self._locate(command, desk.state)

    def _check_handed_on(self, command: Command, actor: str, grants: Iterable[Grant]) -> None:
        role = str(command.body.get("role", ""))
        if not self._policy.takes_in(grants, role):
            raise Denied(
                f"Actor {actor} may not grant role {role[:80]}: it allows more than the actor holds.",
                code="access.handed_on",
                where="role",
                remedy="Ask an administrator.",
            )


def is_own(subject: str, actor: str) -> bool:
    """Tell whether somebody reads what is held of themselves: as a person here, or signed in as that person or firm."""
    return subject == actor or (actor.startswith("citizen:") and subject in actor.removeprefix("citizen:").split("&"))


def _owns_session(actor: str, session: str, state: State) -> bool:
    """Signing out needs no role."""
    row = state.get(SESSIONS, session)
    return row is not None and row[2] == actor


def own_place(command: Command, state: State) -> Located | None:
    """Locate the subjects that access itself knows; None for those of other engines."""
    if command.kind in ("role.grant", "role.withdraw"):
        body = command.body
        return Located(body.get("unit"), body.get("district"))
    if command.kind in OWN_SUBJECT:
        return Located(person=command.subject)
    if command.kind == "person.erase":
        # A reporter is known by the case alone: `reporter:<case id>` belongs to the citizen of that case's number.
        return Located(person=f"citizen:{command.subject.removeprefix(REPORTER)}")
    if command.kind == "token.revoke":
        row = state.get(TOKENS, command.subject)
        return Located(person=row[2] if row else None)
    return None
