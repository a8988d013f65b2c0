"""Fetching what registers hold for a form, and putting files of registers in; each fetch is written down."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

from quanyu.assembly.hub import Hub
from quanyu.assembly.personal import PURPOSE_LETTERS_MIN
from quanyu.kernel.declare import Chunk, City, Imported, Source
from quanyu.kernel.errors import Invalid
from quanyu.kernel.form import Blank, Held
from quanyu.kernel.journal import Command

SITTING_US = 15 * 60 * 1_000_000
"""Machine time in which one actor's fetches of the same elements for the same form are one reading."""
SITTINGS_MAX = 10_000
SUBJECTS = ("person", "firm")


class Fetches:
    """Fetches held values of proven subjects: whoever calls has proven them (`proof` says how) and may see them."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._lock = threading.Lock()
        self._sittings: dict[tuple[str, ...], int] = {}

    def for_form(self, blank: Blank, subjects: Mapping[str, str], actor: str, proof: str) -> dict[str, Held]:
        """Return what registers hold for a form, by element; `subjects` is by kind: person, firm.

        Written down for each subject with purpose, form and elements before anything is returned.
        """
        purpose = blank.form.purpose
        found: dict[str, Held] = {}
        for kind, subject in sorted(subjects.items()):
            elements = self.elements_of(kind, blank.fetched)
            if not elements:
                continue
            found |= self.fetch(subject, elements, actor, f"{purpose.zh} · {purpose.en}", proof, blank.id)
        return found

    def fetch(
        self, subject: str, elements: list[str], actor: str, purpose: str, proof: str, form: str = ""
    ) -> dict[str, Held]:
        """Return what is held of one subject, written down first; Invalid `personal.purpose` without a purpose."""
        if len(purpose.strip()) < PURPOSE_LETTERS_MIN or not proof.strip():
            raise Invalid(
                "Reading what registers hold needs a purpose, and how the subject was proven.",
                code="personal.purpose",
                where="purpose",
                remedy="Say in a few words what the data are needed for, and which document was seen.",
            )
        assert self._hub.views.registers is not None, "a hub with forms has registers"
        sitting = (actor, subject, form, purpose, proof, *elements)
        if not self._sits(sitting):
            body = {"purpose": purpose.strip(), "form": form, "elements": elements, "proof": proof.strip()}
            self._hub.commit_blocking([Command("personal.read", subject, body)], actor)
            self._sit(sitting)
        return self._hub.views.registers.held(subject, elements)

    def elements_of(self, kind: str, elements: Iterable[str]) -> list[str]:
        """Return the elements that some register of this kind of subject holds."""
        forms = self._hub.forms
        return [id for id in elements if any(forms.registers[each].of == kind for each in forms.holders.get(id, ()))]

    def _sits(self, sitting: tuple[str, ...]) -> bool:
        with self._lock:
            return self._hub.machine() - self._sittings.get(sitting, -SITTING_US) < SITTING_US

    def _sit(self, sitting: tuple[str, ...]) -> None:
        with self._lock:
            if len(self._sittings) >= SITTINGS_MAX:
                self._sittings.clear()
            self._sittings[sitting] = self._hub.machine()


def subjects_of(names: tuple[str, ...] | list[str]) -> dict[str, str]:
    """Return subjects by kind; raises Invalid `register.subject` for what is none, or two of a kind."""
    found: dict[str, str] = {}
    for name in names:
        kind, _, rest = name.partition(":")
        if kind not in SUBJECTS or not rest or kind in found:
            raise Invalid(
                f"Subject {name[:80]!r} is no person or firm, or one of two of a kind.",
                code="register.subject",
                where="subject",
                remedy="Name one as person:<id> and one as firm:<credit code> at most.",
            )
        found[kind] = name
    return found


def register_source(hub: Hub) -> Source:
    """Return what reads files of registers: a row names register, subject and day; further columns are elements."""

    def parse(chunk: Chunk, city: City) -> Imported:
        named = {"register", "subject", "as_of", "source"}
        columns = [column for column in chunk.columns if column not in named]
        sources = chunk.columns.get("source", [""] * len(chunk.lines))
        commands = []
        for row, subject in enumerate(chunk.columns["subject"]):
            values = {column: chunk.columns[column][row] for column in columns if chunk.columns[column][row].strip()}
            body: dict[str, Any] = {
                "register": chunk.columns["register"][row].strip(),
                "values": values,
                "as_of": chunk.columns["as_of"][row].strip(),
                "source": sources[row].strip() or chunk.file,
            }
            commands.append(Command("register.put", subject.strip(), body, f"reported:{chunk.file}"))
        return Imported(commands=commands, lines=list(chunk.lines))

    return Source(
        name="register",
        title={"zh": "登记数据", "en": "What registers hold"},
        columns=("register", "subject", "as_of"),
        parse=parse,
        doc="Rows of registers: register, subject, as_of, source if the file is not it, and a column for each element.",
    )


def corrections(subject: str, correction: Mapping[str, Any], act: Mapping[str, Any] | None = None) -> list[Command]:
    """Return the commands that correct a register and do the step of the case that asked for it: commit them as one.

    `correction` is the body of `register.correct`; with a `case` in it, `act` is the body of that case's action.
    """
    commands = [Command("register.correct", subject, dict(correction))]
    if act is not None:
        if not correction.get("case"):
            raise Invalid(
                "A step is to be done, but of no case.", code="register.case", where="case", remedy="Name the case."
            )
        commands.append(Command("case.act", str(correction["case"]), dict(act)))
    return commands
