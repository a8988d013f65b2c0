"""What decisions on applications see beside the cases: forms, what registers hold, what was sealed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from quanyu.assembly.core import PERSON_KEY, PERSONAL
from quanyu.assembly.vault import unseal
from quanyu.engines.cases.papers import Papers
from quanyu.engines.registers.view import RegistersView
from quanyu.kernel.errors import Invalid
from quanyu.kernel.flow import Flow
from quanyu.kernel.form import Forms, Held
from quanyu.kernel.journal import State


def papers_of(forms: Forms) -> Papers:
    """Return the papers of a city, read as the writer sees them at the moment of the decision."""
    return Papers(forms, _held, reveal_in)


def _held(state: State, subject: str, elements: Collection[str]) -> Mapping[str, Held]:
    view = RegistersView(state.get, lambda reference: reveal_in(state, reference))
    return view.held(subject, elements)


def reveal_in(state: State, reference: str) -> Mapping[str, str] | None:
    """Open a reference into the vault among the rows that the writer sees; None where the person was erased."""
    row = state.get(PERSONAL, reference)
    key = state.get(PERSON_KEY, row[1]) if row else None
    return unseal(key[1], reference, row[2]) if row and key else None


def check_forms_of(flows: Iterable[Flow], forms: Forms) -> None:
    """Refuse flows whose forms nobody declares, and choices that read what neither form nor flow gives.

    Raises Invalid: case.form_unknown, or flow.form_name for a name that is unknown or personal: what a choice reads is
    kept in clear.
    """
    for flow in flows:
        if not flow.forms:
            continue
        known = set(flow.known_names)
        for step, id in flow.forms.items():
            if id not in forms.blanks:
                raise Invalid(
                    f"Step {step} of flow {flow.name} asks for the form {id!r}, which no pack declares.",
                    code="case.form_unknown",
                    where=f"flow {flow.name} step {step}",
                    remedy="Declare it in the forms.toml of the pack.",
                )
            known |= set(_names(forms, id))
        for name in sorted(flow.reads - known):
            raise Invalid(
                f"Flow {flow.name} reads {name!r}, which neither its steps nor its forms give in clear.",
                code="flow.form_name",
                where=f"flow {flow.name}",
                remedy="Read an answer that is not personal, or a comparison of the form.",
            )


def _names(forms: Forms, id: str) -> Iterator[str]:
    blank = forms.blanks[id]
    for item in blank.items:
        if item.personal == "none" or item.kind == "file":
            yield from item.given
    yield from (each.name for each, _ in blank.compare)
