"""Applying: a case that its applicant fills in page by page, hands in, mends when asked to, or withdraws.

What is personal is sealed under the case (`reporter:<case>`) before anything is written, so that a draft that lapses
can be forgotten whole. What was answered is folded into the case; what registers hold is fetched when it is handed in
and recorded with register and day, together with the comparisons that unattended approval and choices rest on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from quanyu.engines.cases.moving import HUB
from quanyu.engines.cases.papers import NOTE_SEALED, SEALED
from quanyu.engines.cases.state import CaseState, Result
from quanyu.engines.cases.tables import id_of
from quanyu.kernel.errors import Denied, Invalid
from quanyu.kernel.flow import Flow, Step
from quanyu.kernel.form import Blank, Compiled, Item, check_answer
from quanyu.kernel.form.blank import facts_of
from quanyu.kernel.journal import Body, Fact, Instant
from quanyu.kernel.time import day_of

if TYPE_CHECKING:
    from quanyu.engines.cases.acting import Deed

REPORTER: Final = "reporter:"
MACHINES: Final = ("engine:", "simulation:", "system:")
FREE_FIELDS: Final = frozenset({"save"})
"""Actions whose fields are the questions of a form: it judges them."""


def save(deed: Deed) -> Body:
    """Judge answers one by one, seal what is personal; raises Invalid (case.answers) with what is wrong by question."""
    blank, step = _blank(deed)
    kept: dict[str, Any] = {}
    faults: dict[str, dict[str, str]] = {}
    for name, given in deed.fields.items():
        try:
            value = check_answer(blank, name, given)
        except Invalid as fault:
            said = {language: str(fault.details.get(language, fault.message)) for language in ("zh", "en")}
            faults[name] = {"code": fault.code, **said}
            continue
        kept[name] = _kept(deed, blank.by_name[name], value)
    if faults:
        raise Invalid(
            f"{len(faults)} of {len(deed.fields)} answers cannot be kept: {', '.join(list(faults)[:5])}.",
            code="case.answers",
            where=f"body.fields.{next(iter(faults))}",
            remedy=next(iter(faults.values()))["en"],
            faults=faults,
        )
    if not kept:
        raise Invalid(
            "Nothing is answered.", code="case.answers", where="body.fields", remedy="Send the answers to keep."
        )
    return {"answers": kept} | _pins(deed, step, blank)


def _blank(deed: Deed) -> tuple[Blank, Step]:
    step = deed.flow.form_at(deed.option.step or "")
    assert step is not None, f"case {deed.serial} stands at no form"
    return deed.office.papers.blank(deed.desk.state, deed.case, step.name, step.form), step


def _pins(deed: Deed, step: Step, blank: Blank) -> Body:
    """Pin the form of a step that came with another version of the flow."""
    return {} if deed.case.forms.get(step.name) == blank.version else {"forms": {step.name: blank.version}}


def _kept(deed: Deed, item: Item, value: Any) -> Any:
    """Return a value as the record keeps it: texts of several choices and files as lists, personal ones sealed."""
    plain = list(value) if isinstance(value, tuple) else value
    if value is None or item.personal == "none" or item.kind == "file":
        return plain
    return {SEALED: _seal(deed, {item.name: plain})}


def _seal(deed: Deed, values: Mapping[str, Any]) -> str:
    fields = {name: msgspec.json.encode(value).decode() for name, value in values.items()}
    return deed.desk.seal(f"{REPORTER}{id_of(deed.serial)}", fields)


def contradict(deed: Deed) -> Body:
    """Mark a held value as contradicted, or take that back; raises Invalid (case.not_held) for what nobody holds."""
    blank, step = _blank(deed)
    name = deed.fields["name"]
    item = blank.by_name.get(name)
    if item is None or not item.registers:
        known = ", ".join(each.name for each in blank.items if each.registers) or "none"
        raise Invalid(
            f"No register holds {name!r:.80} for form {blank.id}.",
            code="case.not_held",
            where="body.fields.name",
            remedy=f"Held are: {known}.",
        )
    others = [each for each in deed.case.contradicted if each != name]
    note = deed.body.note.strip()
    # What somebody writes about their own data tells it: the record keeps the words sealed.
    words: Body = {"note": "", NOTE_SEALED: _seal(deed, {"note": note})} if note else {}
    return {"contradicted": others if deed.fields["right"] else [*others, name]} | words | _pins(deed, step, blank)


def prove(deed: Deed) -> Body:
    """Say whose application it is; raises Invalid (case.subject) for a second person or a second firm."""
    subject = deed.fields["subject"]
    check_subjects((*deed.case.subjects, subject), "body.fields.subject")
    return {"subjects": {subject: "document"}}


def check_subjects(subjects: Iterable[str], where: str) -> None:
    """Refuse what is neither a person nor a firm, and two of one kind, with Invalid (case.subject)."""
    kinds = []
    for subject in subjects:
        kind, _, name = subject.partition(":")
        kinds.append(kind)
        odd = not name or any(letter.isspace() or letter == "&" for letter in subject)
        if kind not in ("person", "firm") or odd or kinds.count(kind) > 1:
            raise Invalid(
                f"Subject {subject!r:.80} is neither a person nor a firm, or the second of its kind.",
                code="case.subject",
                where=where,
                remedy="Write person:<id> or firm:<credit code>, one of each at most.",
            )


def withdraw(deed: Deed) -> Body:
    """End the case at the applicant's wish; a draft that nobody was given yet is forgotten, too."""
    note = deed.body.note.strip() or "申请人撤回 · Withdrawn by the applicant"
    body: Body = {"outcome": msgspec.to_builtins(Result("withdrawn", deed.person["id"], deed.at, note))}
    return body | ({"draft": True} if is_draft(deed.case) else {})


def is_draft(case: CaseState) -> bool:
    """Whether nobody has done a step yet: what was filled in is nobody's business but the applicant's."""
    return all(each.person == HUB for each in case.done)


def handed_in(deed: Deed) -> tuple[Body, dict[str, Any]]:
    """Return what the record says of a form that is handed in, and the facts that choices may read.

    Raises Invalid (case.form_incomplete) with every fault, by question, and every condition that does not hold.
    """
    blank, step = _blank(deed)
    today = day_of(deed.at, deed.office.calendar.zone)
    _, found = deed.office.papers.compiled(deed.desk.state, deed.case, step.name, step.form, today)
    if not found.complete:
        raise _incomplete(blank, found)
    body: Body = {"form": {"id": blank.id, "version": blank.version}} | _pins(deed, step, blank)
    if held := _held(deed, found):
        body["held"] = held
    if found.compared:
        body["compared"] = [
            {"name": each.name, "holds": each.holds, "reads": list(each.reads), **_words(each.words)}
            for each in found.compared
        ]
    facts: dict[str, Any] = {}
    for name, value in found.values.items():
        item = blank.by_name[name]
        if item.personal == "none" or item.kind == "file":
            facts |= dict(facts_of(item, value, today))
    facts |= {each.name: each.holds for each in found.compared if each.holds is not None}
    return body, {name: list(value) if isinstance(value, tuple) else value for name, value in facts.items()}


def _words(words: Any) -> dict[str, str]:
    return {"zh": words.zh, "en": words.en}


def _held(deed: Deed, found: Compiled) -> list[dict[str, Any]]:
    """Return what was taken from registers: from which, as of which day; personal values sealed."""
    lines = []
    for each in found.prefilled:
        line: dict[str, Any] = {"name": each.name, "element": each.held.element, "register": each.held.register,
                                "as_of": each.held.as_of, "source": each.held.source}  # fmt: skip
        value = list(each.held.value) if isinstance(each.held.value, tuple) else each.held.value
        line |= {"value": value} if each.personal == "none" else {SEALED: _seal(deed, {each.name: value})}
        lines.append(line | ({"simulated": True} if each.held.simulated else {}))
    return lines


def _incomplete(blank: Blank, found: Compiled) -> Invalid:
    faults = {name: {"code": fault.code, "zh": fault.zh, "en": fault.en} for name, fault in found.faults.items()}
    failed = [{"name": each.name, **_words(each.words)} for each in found.failed]
    parts = [f"{len(faults)} questions ({', '.join(list(faults)[:5])})"] if faults else []
    parts += [f"{len(failed)} conditions"] if failed else []
    where = next(iter(faults), "") or (failed[0]["name"] if failed else "")
    return Invalid(
        f"Form {blank.id} cannot be handed in yet: {' and '.join(parts)}.",
        code="case.form_incomplete" if faults else "case.not_eligible",
        where=f"form {blank.id}, {where}",
        remedy="Answer what is missing." if faults else failed[0]["en"],
        faults=faults,
        failed=failed,
    )


def readings(deed: Deed, effects: Body) -> Iterator[Fact]:
    """Write down that held values were read for a form: the person sees who read what, when and why."""
    elements = [line["element"] for line in effects.get("held", ())]
    if not elements:
        return
    purpose = _blank(deed)[0].form.purpose
    for subject, proof in deed.case.subjects.items():
        body = {"purpose": f"{purpose.zh} · {purpose.en}", "form": effects["form"]["id"], "elements": elements,
                "proof": proof, "case": id_of(deed.serial)}  # fmt: skip
        yield Fact("personal.read", subject, body)


def lapsed(flow: Flow, case: CaseState, timer: str, at: Instant) -> Body:
    """Return the end of a draft whose step is over before anybody did anything; nothing for any other timer."""
    stem, _, rest = timer.partition(".")
    if stem != "step" or not is_draft(case):
        return {}
    token = next((each for each in case.tokens if f"{each.id}.overdue" == rest), None)
    if token is None or not flow.get_step(token.step).form:
        return {}
    note = "逾期未提交 · Not handed in within the time for drafts"
    return {"outcome": msgspec.to_builtins(Result("lapsed", HUB, at, note)), "draft": True}


def forgotten(serial: int, effects: Body) -> Iterator[Fact]:
    """Erase what was sealed and uploaded for a draft that came to nothing."""
    if effects.get("draft"):
        yield Fact("person.erased", f"{REPORTER}{id_of(serial)}", {"reason": "draft"}, "derived")


def proof_of(actor: str, subject: str, document: str | None, own: Collection[str]) -> str:
    """Return how a subject is proven: signed in as it, by a document that a clerk has seen, simulated, or by the hub.

    Raises Denied (case.subject_unproven), and Invalid (case.document_missing) for a clerk who names no document.
    """
    if subject in own:
        return "signed_in"
    if actor.startswith(MACHINES):
        return "simulated" if actor.startswith("simulation:") else "hub"
    if actor.startswith("citizen:"):
        raise _unproven(actor)
    if not document:
        raise Invalid(
            "Subject is named without the document that proves it.",
            code="case.document_missing",
            where="body.document",
            remedy="Say which identity document was seen, or leave the subject out.",
        )
    return "document"


def _unproven(actor: str) -> Denied:
    return Denied(
        f"Actor {actor} does not prove to be the subject that it names.",
        code="case.subject_unproven",
        where="body.subjects",
        remedy="Sign in with the city's link, or show a document at a counter; or apply without naming a subject.",
    )
