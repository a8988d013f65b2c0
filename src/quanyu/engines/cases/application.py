"""An application as faces show it: whose it is, what was answered and handed in; what is sealed stays sealed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from quanyu.engines.cases.papers import SEALED
from quanyu.engines.cases.state import CaseState
from quanyu.kernel.flow import Flow
from quanyu.kernel.form import Blank, shown
from quanyu.kernel.journal import Record

Blanks = Callable[[str], Blank | None]
"""The form of a version, as the journal keeps it."""
HANDED_IN: Final = ("form", "held", "compared")


def application_document(
    flow: Flow, case: CaseState, records: Sequence[Record], blanks: Blanks
) -> dict[str, Any] | None:
    """Return what was applied for in words, step by step; None for a case that nobody applies with."""
    if not flow.forms:
        return None
    return {
        "subjects": [{"subject": name, "proof": proof} for name, proof in case.subjects.items()],
        "contradicted": list(case.contradicted),
        "forms": [_form(step, form, case, blanks) for step, form in flow.forms.items()],
        "handed_in": list(_handed_in(records)),
    }


def _form(step: str, form: str, case: CaseState, blanks: Blanks) -> dict[str, Any]:
    version = case.forms.get(step)
    blank = None if version is None else blanks(version)
    document: dict[str, Any] = {"step": step, "id": form, "version": version, "title": None, "answers": []}
    if blank is None:
        return document
    title = blank.form.title
    return document | {"title": {"zh": title.zh, "en": title.en}, "answers": list(_answers(blank, case))}


def _answers(blank: Blank, case: CaseState) -> Iterator[dict[str, Any]]:
    for item in blank.items:
        if item.name not in case.answers:
            continue
        given = case.answers[item.name]
        line: dict[str, Any] = {
            "name": item.name,
            "title": {"zh": item.title.zh, "en": item.title.en},
            "kind": item.kind,
            "personal": item.personal,
            "contradicts": item.name in case.contradicted,
        }
        if isinstance(given, dict):
            yield line | {SEALED: given[SEALED]}
            continue
        value = tuple(given) if isinstance(given, list) else given
        said = (
            None
            if value is None
            else {language: shown(value, item.asked.choices, language) for language in ("zh", "en")}
        )
        yield line | {"value": given, "shown": said}


def _handed_in(records: Sequence[Record]) -> Iterator[dict[str, Any]]:
    """Yield each time that a form was handed in: what was taken from which register, and what the comparisons say."""
    for record in records:
        body = record.body or {}
        if record.kind != "case.acted" or "form" not in body:
            continue
        yield {
            "seq": record.seq,
            "at": record.at,
            "step": body["step"],
            **{name: body[name] for name in HANDED_IN if name in body},
        }
