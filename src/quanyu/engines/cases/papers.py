"""What decisions on applications know besides rows: the forms, what registers hold of a subject, what was sealed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date
from typing import Any, Final

import msgspec

from quanyu.engines.cases.state import CaseState
from quanyu.engines.cases.tables import FLOW
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.form import Blank, Compiled, Form, Forms, Held, Item, compile_form
from quanyu.kernel.journal import Fact, State

HeldOf = Callable[[State, str, Collection[str]], Mapping[str, Held]]
"""What registers hold of a subject, by element, as the writer sees it at this moment."""
Unseal = Callable[[State, str], Mapping[str, str] | None]
"""Opens a reference into the vault; None where the person was erased."""

SEALED: Final = "sealed"
NOTE_SEALED: Final = "note_sealed"
"""Name under which an answer says where in the vault it lies."""


class Papers:
    """The forms of a city, with the ways to what is held and what is sealed; `pinned` are versions read before."""

    def __init__(
        self,
        forms: Forms | None = None,
        held: HeldOf = lambda state, subject, elements: {},
        unseal: Unseal = lambda state, reference: None,
    ) -> None:
        self.forms = forms or Forms()
        self._held = held
        self._unseal = unseal
        self._pinned: dict[str, Blank] = {}

    def current(self, id: str) -> Blank:
        """Return the form that new cases get; raises Invalid (case.form_unknown) where no pack has it."""
        try:
            return self.forms.get(id)
        except Missing as fault:
            raise Invalid(
                f"Form {id!r} is asked for by a flow and declared by no pack.",
                code="case.form_unknown",
                where=f"form {id}",
                remedy="Declare it in the forms.toml of the pack.",
            ) from fault

    def definition(self, state: State, blank: Blank) -> Iterator[Fact]:
        """Yield the record that keeps a version of a form, once: an application is finished on the form it began on."""
        if state.get(FLOW, blank.version) is None:
            yield Fact("form.defined", blank.version, form_document(blank), "derived")

    def blank(self, state: State, case: CaseState, step: str, form: str) -> Blank:
        """Return the form of a step in the version that the case pinned."""
        version = case.forms.get(step)
        if version is None:
            return self.current(form)
        if form in self.forms.blanks and self.forms.blanks[form].version == version:
            return self.forms.blanks[form]
        known = self._pinned.get(version)
        if known is None:
            row = state.get(FLOW, version)
            assert row is not None, f"form {form} was pinned as {version} and never defined"
            known = self._pinned[version] = form_of(msgspec.json.decode(row[3]))
        return known

    def held(self, state: State, case: CaseState, blank: Blank) -> Mapping[str, Held]:
        """Return what registers hold of the subjects of a case; nothing where nobody proved who it is."""
        found: dict[str, Held] = {}
        for subject in case.subjects if blank.fetched else ():
            found |= self._held(state, subject, blank.fetched)
        return found

    def answers(self, state: State, case: CaseState) -> dict[str, object]:
        """Return what was answered so far, sealed answers opened; one whose person was erased is none."""
        return opened(case.answers, lambda reference: self._unseal(state, reference))

    def compiled(self, state: State, case: CaseState, step: str, form: str, today: date) -> tuple[Blank, Compiled]:
        """Return the form of a step as it stands with what is answered and held."""
        blank = self.blank(state, case, step, form)
        held = self.held(state, case, blank)
        return blank, compile_form(
            blank, self.answers(state, case), held, today=today, disputed=frozenset(case.contradicted)
        )


def opened(answers: Mapping[str, Any], unseal: Callable[[str], Mapping[str, str] | None] | None) -> dict[str, object]:
    """Return answers in clear; without a way to open them, sealed ones are left out."""
    found: dict[str, object] = {}
    for name, value in answers.items():
        if not isinstance(value, dict):
            found[name] = value
            continue
        fields = unseal(value[SEALED]) if unseal else None
        if fields is not None and name in fields:
            found[name] = msgspec.json.decode(fields[name])
    return found


def form_document(blank: Blank) -> dict[str, Any]:
    """Return a version of a form as the journal keeps it: with the elements that it takes up."""
    form = msgspec.structs.replace(blank.form, pack="")
    return {"name": f"form {blank.id}", "form": msgspec.to_builtins(form), "items": msgspec.to_builtins(blank.items)}


def form_of(document: Mapping[str, Any]) -> Blank:
    """Return the form of a document that the journal kept."""
    return Blank(msgspec.convert(document["form"], Form), msgspec.convert(document["items"], tuple[Item, ...]))
