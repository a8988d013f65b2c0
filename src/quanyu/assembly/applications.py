"""Applications as faces work on them: drafts compiled for whoever may see them, and links by which subjects sign in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec

from quanyu.assembly.core import PERSON_KEY, PERSONAL
from quanyu.assembly.hub import Hub
from quanyu.assembly.registers import subjects_of
from quanyu.assembly.signing import Seal, load_seal
from quanyu.assembly.vault import unseal
from quanyu.engines.cases.applying import check_subjects
from quanyu.engines.cases.office import CODE_ALPHABET, CODE_LENGTH
from quanyu.engines.cases.papers import opened
from quanyu.engines.cases.state import CaseState
from quanyu.engines.registers.store import HELD, shelf_of
from quanyu.kernel.errors import Invalid
from quanyu.kernel.flow import Flow, kept_flow
from quanyu.kernel.form import Blank, Compiled, Held, Item, compile_form
from quanyu.kernel.form.words import Language, Words
from quanyu.kernel.journal import Command, Instant
from quanyu.kernel.time import day_of
from quanyu.kernel.view import Filter

DAY_US: Final = 86_400_000_000
LINK_DAYS: Final = 7
"""A link or code that the city hands out to a person or firm is good for so many days."""
LOOK_US: Final = 15 * 60 * 1_000_000
LOOKING: Final = "应申请人要求查看其申请和政策 · finding the applicant's applications and offers at their wish"
HOUR_US: Final = 3_600_000_000
FACE: Final = "system:do"
NAMES: Final = ("firm.name", "person.name")
SIMULATED_MAX: Final = 12
BEFORE: Final = "办理前查看是否符合条件:{zh} · whether the conditions are met, before applying: {en}"
"""For what registers are asked before anything is begun: the purpose of the form, and that it is only looked at."""


class Reader(msgspec.Struct, frozen=True):
    """Who looks at an application: a citizen's actor, or an officer (`officer`); `subjects` are proven in this sitting."""

    actor: str
    scope: Filter
    subjects: tuple[str, ...] = ()
    officer: bool = False


class Draft(msgspec.Struct, frozen=True):
    """A form that is being filled in; `shows` says whether what registers hold may be shown to whoever looks."""

    id: str
    step: str
    blank: Blank
    state: CaseState
    compiled: Compiled
    shows: bool


class Condition(msgspec.Struct, frozen=True):
    """A condition of a form before anybody has begun: `holds` is None while what decides it is not known."""

    words: Words
    holds: bool | None
    reads: tuple[Item, ...]


class Applications:
    """Drafts of one hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._flows: dict[str, Flow] = {}

    def read(self, case: Mapping[str, Any], reader: Reader, language: Language, large: bool = False) -> Draft | None:
        """Return the form that a case waits for; None where it waits for none. `case` was seen under the reader's scope.

        Whatever is fetched or opened on the way is written down first.
        """
        flow = self._flow(case["flow_hash"])
        step = flow.form_at(case["step"]) if case["step"] and case["state"] == "open" else None
        found = None if step is None else self._hub.views.cases.form(case["id"], step.name, reader.scope)  # type: ignore[attr-defined]
        if step is None or found is None:
            return None
        blank, state = found
        compiled = compile_form(
            blank,
            self.answers(case["id"], state, reader, blank),
            self._held(case["id"], state, reader, blank),
            today=day_of(self._hub.clock.now(), self._hub.city.zone),
            language=language,
            large=large,
            disputed=frozenset(state.contradicted),
        )
        return Draft(case["id"], case["step"], blank, state, compiled, self._shows(state, reader))

    def answers(self, id: str, state: CaseState, reader: Reader, blank: Blank) -> dict[str, object]:
        """Return what was answered, sealed answers opened; an officer's reading is written down once an hour."""
        sealed = any(isinstance(each, dict) for each in state.answers.values())
        if sealed and reader.officer:
            purpose = blank.form.purpose
            body = {"purpose": f"{purpose.zh} · {purpose.en}", "case": id, "form": blank.id}
            hour = self._hub.machine() // HOUR_US
            command = Command("personal.read", f"reporter:{id}", body)
            self._hub.commit_blocking([command], reader.actor, key=f"draft.{id}.{blank.id}.{hour}")
        return opened(state.answers, self._reveal)

    def conditions(self, blank: Blank, subjects: Sequence[str], actor: str) -> list[Condition]:
        """Return the conditions of a form, judged for subjects that are signed in, before anything is begun.

        Only what the conditions read is fetched, and that is written down first; for nobody, nothing is fetched.
        """
        reads = [blank.read_by(test) for _, test in blank.eligible]
        items = {name: blank.by_name[name] for names in reads for name in names}
        elements = [item.element for item in items.values() if item.element and item.registers]
        held: dict[str, Held] = {}
        for kind, subject in subjects_of(list(subjects)).items():
            if found := self._hub.fetches.elements_of(kind, elements):
                purpose = BEFORE.format(zh=blank.form.purpose.zh, en=blank.form.purpose.en)
                held |= self._hub.fetches.fetch(subject, found, actor, purpose, "signed_in", blank.id)
        compiled = compile_form(blank, held=held, today=day_of(self._hub.clock.now(), self._hub.city.zone))
        return [
            Condition(each.words, each.holds, tuple(items[name] for name in names))
            for each, names in zip(compiled.eligible, reads, strict=True)
        ]

    def simulated_subjects(self) -> list[dict[str, str]]:
        """Return some simulated persons and firms of a demo city, with their names: nobody else can be chosen."""
        if not self._hub.simulated:
            return []
        found = []
        for row in islice(self._hub.store.rows(HELD), SIMULATED_MAX):
            shelf = shelf_of(row)
            if all(line.simulated for lines in shelf.values() for line in lines.values()):
                found.append({"subject": str(row[0]), "name": self._name(str(row[0]))})
        return found

    def _name(self, subject: str) -> str:
        assert self._hub.views.registers is not None, "a hub with forms has registers"
        held = self._hub.views.registers.held(subject, NAMES)
        return next((str(held[id].value) for id in NAMES if id in held), subject)

    def _held(self, id: str, state: CaseState, reader: Reader, blank: Blank) -> dict[str, Held]:
        if not state.subjects or not blank.fetched:
            return {}
        proof = ", ".join(sorted(set(state.subjects.values())))
        if self._shows(state, reader):
            actor = reader.actor if reader.officer else f"citizen:{'&'.join(reader.subjects)}"
            return self._hub.fetches.for_form(blank, subjects_of(list(state.subjects)), actor, proof)
        # Whoever came with the code alone is shown nothing of it; the form still depends on it.
        return self._hub.fetches.for_form(blank, subjects_of(list(state.subjects)), FACE, f"code of {id}")

    def _shows(self, state: CaseState, reader: Reader) -> bool:
        return reader.officer or (bool(state.subjects) and all(each in reader.subjects for each in state.subjects))

    def _flow(self, digest: str) -> Flow:
        if digest not in self._flows:
            document = self._hub.views.cases.find_flow(digest)
            assert document is not None, f"flow {digest} was pinned and never defined"
            self._flows[digest] = kept_flow(document)
        return self._flows[digest]

    def _reveal(self, reference: str) -> Mapping[str, str] | None:
        fetch = self._hub.store.fetch_shared  # type: ignore[attr-defined]
        row = fetch(PERSONAL, reference)
        key = fetch(PERSON_KEY, row[1]) if row else None
        return unseal(key[1], reference, row[2]) if row and key else None


# -- somebody's own list, for whoever serves them ------------------------------------------------------------------------


def look(subject: str, document: str, now: Instant) -> tuple[Command, str]:
    """Return the record that an officer looks at a subject's list, and its idempotency key; `now` is machine time.

    Looking again within a quarter of an hour, at the same document, is the same reading. Raises Invalid: case.subject,
    or case.document_missing where no document was seen.
    """
    check_subjects([subject], "subject")
    if not document.strip():
        raise Invalid(
            "Somebody's list is shown to an officer who has seen a document.",
            code="case.document_missing",
            where="document",
            remedy="Say which identity document was seen.",
        )
    seen = sha256(document.encode()).hexdigest()[:12]
    body = {"purpose": LOOKING, "proof": document.strip()}
    return Command("personal.read", subject, body), f"own.{subject}.{seen}.{now // LOOK_US}"


# -- links by which a person or a firm signs in -------------------------------------------------------------------------


def citizen_link(home: Path, subject: str, now: Instant) -> dict[str, Any]:
    """Return link and code by which a subject signs in on the citizen pages, good for a week; `now` is machine time."""
    check_subjects([subject], "subject")
    seal = load_seal(home)
    until = now + LINK_DAYS * DAY_US
    path = f"/do/sign-in?link={seal.sign_until('subject', subject, until)}"
    return {"subject": subject, "path": path, "code": code_of(seal, subject, now // DAY_US), "days": LINK_DAYS}


def code_of(seal: Seal, subject: str, day: int) -> str:
    """Return the code of a subject that was handed out on a day."""
    return seal.draw("subject", f"{subject}.{day}", CODE_ALPHABET, CODE_LENGTH)


def is_code_of(seal: Seal, subject: str, code: str, now: Instant) -> bool:
    """Tell whether a code was handed out to the subject within the last week."""
    today = now // DAY_US
    return any(seal.same(code, code_of(seal, subject, day)) for day in range(today - LINK_DAYS + 1, today + 1))


def linked_subject(seal: Seal, link: str, now: Instant) -> str | None:
    """Return whom a link signs in; None for one that was not signed here or is too old."""
    return seal.open_until("subject", link, now)
