"""Forms and registers: what is asked, what is held and by whom; departments put and correct what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

import msgspec

from quanyu.assembly import Hub
from quanyu.assembly.disputes import get_dispute, said
from quanyu.assembly.registers import corrections, subjects_of
from quanyu.engines.access.scope import Located
from quanyu.faces.http.cases import get_case
from quanyu.faces.http.city import Formatted
from quanyu.faces.http.entities import receipt
from quanyu.faces.http.route import Ask, Route
from quanyu.faces.http.shown import Listing
from quanyu.kernel.form import NOTHING_HELD, Blank, Compiled, Item, compile_form
from quanyu.kernel.journal import Command
from quanyu.kernel.time import day_of

ROWS_MAX = 1_000
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class GivenBody(msgspec.Struct, forbid_unknown_fields=True):
    """Answers by name, as far as they go; `disputed` are names of held values that the applicant says are not right."""

    answers: dict[str, Any] = {}
    language: Literal["zh", "en"] = "zh"
    large: bool = False


class HeldBody(GivenBody, forbid_unknown_fields=True):
    """Of whom registers are asked, one person and one firm at most, and how they were proven: which document was seen."""

    subjects: Annotated[list[Text], msgspec.Meta(min_length=1, max_length=2)] = []
    proof: Text = ""
    disputed: list[Text] = []


class HoldingRow(msgspec.Struct, forbid_unknown_fields=True):
    """What a register holds of one subject, by element; null: it holds it no more. `as_of` is a day, as 2026-03-01."""

    subject: Text
    values: dict[str, Any]
    as_of: Text
    source: Text


class HoldingsBody(msgspec.Struct, forbid_unknown_fields=True):
    """Rows of a register; each has an outcome of its own."""

    rows: Annotated[list[HoldingRow], msgspec.Meta(min_length=1, max_length=ROWS_MAX)]


class CorrectionBody(msgspec.Struct, forbid_unknown_fields=True):
    """What is right, and why. With the case that asked for it, `act` is the step of that case that goes along."""

    subject: Text
    values: dict[str, Any]
    as_of: Text
    reason: Text
    case: Text | None = None
    act: dict[str, Any] | None = None


def forms(ask: Ask) -> Listing:
    """Forms: what they are for, how much is asked, fetched and uploaded."""
    blanks = cast(Hub, ask.hub).forms.blanks
    return Listing([_summary(blanks[id]) for id in sorted(blanks)], name="forms")


def form(ask: Ask) -> dict[str, Any]:
    """One form: every line with its words and condition, and which registers hold what is not asked."""
    book = cast(Hub, ask.hub).forms
    blank = book.get(ask.path("form"))
    return {
        **_summary(blank),
        "lines": [_line(item) for item in blank.items],
        "registers": [
            _register(ask, id) for id in dict.fromkeys(each for item in blank.items for each in item.registers)
        ],
        "eligible": [{"when": each.when, "title": _both(each)} for each in blank.form.eligible],
        "compare": [{"name": each.name, "when": each.when, "title": _both(each)} for each in blank.form.compare],
    }


def compiled(ask: Ask) -> dict[str, Any]:
    """What a form asks of somebody of whom nothing is known, given some answers: pages, faults, conditions."""
    hub = cast(Hub, ask.hub)
    blank = hub.forms.get(ask.path("form"))
    return document(_compile(ask, blank, ask.body, NOTHING_HELD, ()))


def held(ask: Ask) -> dict[str, Any]:
    """The form of a proven subject: what registers hold is fetched for the form's purpose, and written down."""
    hub = cast(Hub, ask.hub)
    ask.hub.access.check_personal(ask.actor, "view:cases")
    blank = hub.forms.get(ask.path("form"))
    body: HeldBody = ask.body
    found = hub.fetches.for_form(blank, subjects_of(body.subjects), ask.actor.id, body.proof)
    return document(_compile(ask, blank, body, found, body.disputed))


def registers(ask: Ask) -> Listing:
    """What departments hold of persons and firms: by which law, and which elements."""
    return Listing([_register(ask, id) for id in sorted(cast(Hub, ask.hub).forms.registers)], name="registers")


async def put(ask: Ask) -> dict[str, Any]:
    """Take what a register holds of persons or firms, row by row; the unit that keeps it sends it."""
    name = cast(Hub, ask.hub).forms.get_register(ask.path("register")).id
    commands = [
        Command("register.put", row.subject, {"register": name, **_told(row)})
        for row in cast(HoldingsBody, ask.body).rows
    ]
    return receipt(ask, await ask.hub.commit(commands, ask.actor.id, key=ask.key, atomic=False))


async def correct(ask: Ask) -> dict[str, Any]:
    """Correct what a register holds, with the reason; the step of the case that asked for it goes along or neither does."""
    name = cast(Hub, ask.hub).forms.get_register(ask.path("register")).id
    body: CorrectionBody = ask.body
    correction = {"register": name, "case": body.case, **_told(body)}
    commands = corrections(body.subject, correction, body.act)
    return receipt(ask, await ask.hub.commit(commands, ask.actor.id, key=ask.key))


def dispute(ask: Ask) -> dict[str, Any]:
    """What a register holds and what the applicant says instead, for the unit that keeps the register; leaves a record."""
    case = get_case(ask, ask.scope_of("view:cases"))
    hub = cast(Hub, ask.hub)
    found = get_dispute(hub, case)
    owner = hub.forms.get_register(found.register).owner
    ask.hub.access.check(ask.actor, "register.correct", at=Located(unit=owner))
    ask.hub.access.check_personal(ask.actor, "view:cases")
    return said(hub, found, ask.actor.id, case["id"])


def _told(row: HoldingRow | CorrectionBody) -> dict[str, Any]:
    names = ("values", "as_of", "source" if isinstance(row, HoldingRow) else "reason")
    return {name: getattr(row, name) for name in names}


def document(compiled: Compiled) -> dict[str, Any]:
    """Return a compiled form as JSON."""
    done, total = compiled.progress
    return {
        "form": compiled.form,
        "version": compiled.version,
        "title": compiled.title,
        "purpose": compiled.purpose,
        "pages": [
            {
                **{name: value for name, value in msgspec.to_builtins(page).items() if name not in ("given", "fault")},
                "fault": msgspec.to_builtins(compiled.faults.get(page.name)) if page.fault else None,
            }
            for page in compiled.pages
        ],
        "prefilled": msgspec.to_builtins(compiled.prefilled),
        "eligible": msgspec.to_builtins(compiled.eligible),
        "compared": msgspec.to_builtins(compiled.compared),
        "missing": list(compiled.missing),
        "next": compiled.next,
        "progress": {"done": done, "total": total},
        "complete": compiled.complete,
    }


def _compile(ask: Ask, blank: Blank, body: GivenBody, found: Mapping[str, Any], disputed: Any) -> Compiled:
    today = day_of(ask.hub.clock.now(), ask.zone)
    return compile_form(
        blank, body.answers, found, today=today, language=body.language, large=body.large, disputed=frozenset(disputed)
    )


def _both(words: Any) -> dict[str, str]:
    return {"zh": words.zh, "en": words.en}


def _summary(blank: Blank) -> dict[str, Any]:
    count = {origin: sum(item.origin == origin for item in blank.items) for origin in ("need", "ask", "material")}
    return {
        "id": blank.id,
        "pack": blank.form.pack,
        "title": _both(blank.form),
        "purpose": _both(blank.form.purpose),
        "hash": blank.version,
        "needs": count["need"],
        "questions": count["ask"],
        "materials": count["material"],
    }


def _line(item: Item) -> dict[str, Any]:
    return {
        "name": item.name,
        "origin": item.origin,
        "kind": item.kind,
        "element": item.element,
        "registers": list(item.registers),
        "title": _both(item.title),
        "hint": _both(item.hint) if item.hint else None,
        "plain": _both(item.plain) if item.plain else None,
        "say": _both(item.say) if item.say else None,
        "choices": [{"word": each.word, "title": _both(each)} for each in item.asked.choices],
        "unit": item.unit,
        "personal": item.personal,
        "required": item.required,
        "when": item.when,
        "upload": item.upload,
    }


def _register(ask: Ask, id: str) -> dict[str, Any]:
    book = cast(Hub, ask.hub).forms
    register = book.get_register(id)
    owner = next((unit["name"] for unit in ask.hub.city.units if unit["id"] == register.owner), None)
    return {
        "id": id,
        "of": register.of,
        "title": _both(register),
        "owner": register.owner,
        "owner_name": owner,
        "basis": register.basis,
        "status": register.status,
        "holds": [
            {"element": each, "title": _both(book.elements[each]), "personal": book.elements[each].personal}
            for each in register.holds
        ],
    }


ROUTES = (
    Route(method="GET", path="/api/v1/forms", permission="view:city", handle=forms, summary="Forms",
          query=Formatted),
    Route(method="GET", path="/api/v1/forms/{form}", permission="view:city", handle=form, summary="One form"),
    Route(method="POST", path="/api/v1/forms/{form}/compile", permission="view:city", handle=compiled,
          summary="A form given some answers", body=GivenBody),
    Route(method="POST", path="/api/v1/forms/{form}/held", permission="view:cases", handle=held,
          summary="The form of a proven subject, with what registers hold", body=HeldBody),
    Route(method="GET", path="/api/v1/registers", permission="view:city", handle=registers, summary="Registers",
          query=Formatted),
    Route(method="POST", path="/api/v1/registers/{register}", permission="register.put", handle=put,
          summary="Put what a register holds", body=HoldingsBody),
    Route(method="POST", path="/api/v1/registers/{register}/corrections", permission="register.correct",
          handle=correct, summary="Correct what a register holds", body=CorrectionBody),
    Route(method="GET", path="/api/v1/cases/{id}/dispute", permission="register.correct", handle=dispute,
          summary="What a register holds and what the applicant says instead"),
)  # fmt: skip
