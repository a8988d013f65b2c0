"""Whose cases they are: what a person or firm applies for, was offered, or was given without asking.

An application is its subjects' from its first page on, and nobody's once its draft has come to nothing. A case that the
hub opened about a firm is shown to it when it is asked something, or when something was given to it: what an office only
looks into is none of its offers yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from quanyu.engines.cases.actions import GONE
from quanyu.engines.cases.applying import is_draft
from quanyu.engines.cases.bodies import DisownBody, read_body
from quanyu.engines.cases.state import CaseState, Opening, Token
from quanyu.engines.cases.tables import ROW, SUBJECT, serial_of
from quanyu.kernel.errors import Denied, Missing
from quanyu.kernel.flow import APPLICANT, Flow, granted
from quanyu.kernel.journal import Command, Desk, Fact, State

OFFER: Final = "offer"
"""The kind of case that brings somebody something: an offer, or a benefit that nobody asked for."""

REGISTER: Final = "register"
"""The proof of a subject that a register named, not itself: it has been told nothing yet."""
OWN_HANDS: Final = ("engine:", "system:")


def write_owners(state: State, serial: int, before: CaseState | None, case: CaseState) -> None:
    """Put the case among those of its subjects, or take it away; whoever was told once is not untold."""
    if before is not None and before.subjects is case.subjects and before.outcome is case.outcome:
        if REGISTER in case.subjects.values() and before.tokens is not case.tokens:
            _put(state, serial, case)
        return
    gone = forgotten(case)
    for subject in before.subjects if before is not None else ():
        if gone or subject not in case.subjects:
            state.delete(SUBJECT, subject, serial)
    if not gone:
        _put(state, serial, case)


def _put(state: State, serial: int, case: CaseState) -> None:
    told = reaches(case)
    for subject, proof in case.subjects.items():
        if told or proof != REGISTER:
            state.put(SUBJECT, (subject, serial))


def forgotten(case: CaseState) -> bool:
    """Whether a draft was withdrawn or lapsed: nothing of it is left to show."""
    return case.outcome is not None and case.outcome.word in GONE and is_draft(case)


def reaches(case: CaseState) -> bool:
    """Whether a case that the hub opened has come to the one whom it is about: by a question, or by what was given."""
    given = case.outcome is not None and case.outcome.word == granted.word
    return given or any(token.role == APPLICANT for token in case.tokens)


def decide_disown(desk: Desk, command: Command) -> Iterator[Fact]:
    """Part an erased subject from its case: it finds the case no more, and no register is asked about it again.

    A subject that the case has not is nothing to say. Raises Denied (case.disown_denied) for people.
    """
    if not desk.actor.startswith(OWN_HANDS):
        raise Denied(
            f"Actor {desk.actor} may not part a subject from its case.",
            code="case.disown_denied",
            where=command.kind,
            remedy="Erase the person with person.erase; their cases follow by themselves.",
        )
    body = read_body(command.kind, command.body, DisownBody)
    row = desk.state.get(ROW, serial_of(command.subject))
    if row is None:
        raise Missing(f"Case {command.subject} does not exist.", code="case.unknown", where="subject")
    if body.subject in row[4].subjects:
        yield Fact("case.disowned", command.subject, {"subject": body.subject}, "derived")


def disowned(case: CaseState, subject: str) -> CaseState:
    """Fold the parting in."""
    kept = {name: proof for name, proof in case.subjects.items() if name != subject}
    return msgspec.structs.replace(case, subjects=kept)


# -- what its subjects see -----------------------------------------------------------------------------------------------


def own_document(head: Opening, case: CaseState, flow: Flow) -> dict[str, Any]:
    """Return what lists of one's own cases show besides the summary.

    `what` is application, offer or benefit; `turn` says what is waited for from the subject, and until when.
    """
    return {"what": what_of(head, flow), "turn": turn_of(flow, case), "subjects": list(case.subjects)}


def what_of(head: Opening, flow: Flow) -> str:
    """Return whether somebody applied, was offered something, or was given it without asking."""
    if head.kind != OFFER:
        return "application"
    return "offer" if any(step.by == APPLICANT for step in flow.steps) else "benefit"


def turn_of(flow: Flow, case: CaseState) -> dict[str, Any] | None:
    """Return the step that the applicant has to do; None while others have to.

    Its kind: to answer an offer, to hand in a draft, to fill in what an offer asks for, or to correct what was handed in.
    """
    token = next((each for each in case.tokens if each.role == APPLICANT), None)
    if token is None or case.state != "open" or case.merged_into is not None:
        return None
    step = flow.get_step(token.step)
    kind = "correct"
    if flow.form_at(step.name) is None:
        kind = "answer"
    elif step.form and case.doer(step.name) is None:
        kind = "draft" if is_draft(case) else "fill"
    return {"kind": kind, "step": step.name, "until": until(case, token), "title": step.title}


def until(case: CaseState, token: Token) -> int | None:
    """Return by when a branch has to move before the flow goes on without it; None where nothing says so."""
    names = (f"step.{token.id}", f"bound.{token.id}.")
    dues = [
        each.due
        for each in case.clocks
        if each.runs and each.due is not None and (each.name == names[0] or each.name.startswith(names[1]))
    ]
    return min(dues, default=None)
