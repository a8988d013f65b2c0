"""What a case tells of a person, where the law says how long it is kept: sealed from the start, erased when it is over.

The journal holds references alone, so that destroying one key erases title, words, personal fields and notes; number,
grade, dates, decisions, receipts and the hashes of the chain remain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from quanyu.engines.cases.notices import Telling
from quanyu.engines.cases.office import Office
from quanyu.engines.cases.papers import NOTE_SEALED
from quanyu.engines.cases.state import CaseState, Opening
from quanyu.engines.cases.tables import id_of
from quanyu.engines.cases.waking import tell_if_listed
from quanyu.kernel.flow import Flow
from quanyu.kernel.journal import Body, Desk, Fact


def key_of(serial: int) -> str:
    """Return whose key seals what a case tells: its own, so that nothing else of the person goes with it."""
    return f"reporter:{id_of(serial)}"


def sealed_opening(flow: Flow, serial: int, head: Opening, said: Mapping[str, str], desk: Desk) -> Opening:
    """Return the opening with what was said and who said it (`said`) in the vault; the title is the flow's."""
    fields = {**said, "title": head.title["zh"], "text": head.text}
    place = dict(head.place or {})
    if address := place.pop("address", None):
        fields["address"] = address
    reference = desk.seal(key_of(serial), {name: value for name, value in fields.items() if value})
    return replace(head, title=flow.title, text="", place=place or None, reporter=reference)


def sealed_act(flow: Flow, serial: int, said: Body, desk: Desk) -> Body:
    """Return what the record of an action says, with its note and its personal fields in the vault."""
    if flow.keeps is None:
        return said
    personal = {field.name for step in flow.steps for field in step.fields if field.personal}
    fields = said.get("fields", {})
    sealed = {name: str(value) for name, value in fields.items() if name in personal and value}
    if "note" in said:
        note = said["note"]
        said = {name: value for name, value in said.items() if name != "note"}
        said[NOTE_SEALED] = desk.seal(key_of(serial), {"note": note})
    if sealed:
        reference = desk.seal(key_of(serial), sealed)
        said = {**said, "fields": {name: reference if name in sealed else value for name, value in fields.items()}}
    return said


def erased(office: Office, flow: Flow, serial: int, case: CaseState, fact: Body, desk: Desk) -> Iterator[Fact]:
    """Yield the end of the time to keep: what happened, who is told of it, and the key that is destroyed."""
    event = flow.keeps.tells if flow.keeps is not None else None
    after = replace(case, erased_at=desk.at)
    notices, untold = tell_if_listed(Telling(office, desk.state, serial, flow), after, [], desk.at, event)
    yield Fact("case.timed", id_of(serial), fact | untold, "derived")
    yield from notices
    yield Fact("person.erased", key_of(serial), {"reason": "the time to keep it is over"}, "derived")
