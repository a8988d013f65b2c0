"""A flow as a document: what the journal keeps of a definition, and the hash that a case pins."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec

from quanyu.kernel.errors import Invalid
from quanyu.kernel.flow.checking import check_flow
from quanyu.kernel.flow.whole import Flow
from quanyu.kernel.flow.words import (
    ENDINGS,
    Arrow,
    Boundary,
    Call,
    Evidence,
    Extension,
    Field,
    FlowClock,
    Gateway,
    Keeping,
    Node,
    Parameter,
    Permission,
    SamePerson,
    Step,
    Wait,
)
from quanyu.kernel.time import Limit, parse_limit

HASH_DIGITS = 32
"""Hexadecimal digits of SHA-256 kept as a flow's name: 128 bits, enough that no two definitions meet."""


NEWER = frozenset({"counted", "personal", "when"})
"""Marks of fields that came later: said only where they are set, so that older definitions keep their hash."""


def flow_document(made: Flow) -> dict[str, Any]:
    """Return the definition in JSON types; limits read as an official writes them ("2 working days")."""
    document: dict[str, Any] = {
        "name": made.name,
        "case": made.case,
        "title": made.title,
        "roles": dict(made.roles),
        "steps": [_step_document(each) for each in made.steps],
        "overall": _limit_document(made.overall),
        "amber": made.amber,
        "red": made.red,
        "escalate": made.escalate,
        "escalate_after": _limit_document(made.escalate_after),
        "confirm": _limit_document(made.confirm),
    }
    # What a flow does not say is left out, so that older definitions keep their hash.
    if made.until:
        document["until"] = made.until
    if made.private:
        document["private"] = True
    if made.extend:
        document["extend"] = _extension_document(made.extend)
    if made.nodes:
        document["nodes"] = [_node_document(each) for each in made.nodes]
    if made.arrows:
        document["arrows"] = [_short([each.source, each.target, each.when]) for each in made.arrows]
    if made.clocks:
        document["clocks"] = [_clock_document(each) for each in made.clocks]
    if made.begins:
        document["begins"] = made.begins
    if made.deemed:
        document["deemed"] = made.deemed
    if made.keeps:
        document["keeps"] = _keeping_document(made.keeps)
    if made.figures:
        document["figures"] = [each.id for each in made.figures]
    return document


def flow_hash(made: Flow) -> str:
    """Return the name under which this exact definition is kept; any changed word makes another."""
    text = msgspec.json.encode(flow_document(made), order="sorted")
    return hashlib.sha256(text).hexdigest()[:HASH_DIGITS]


def flow_from_document(document: dict[str, Any]) -> Flow:
    """Return the flow that a document describes, checked again; raises Invalid where it does not read as one."""
    made = kept_flow(document)
    try:
        check_flow(made)
    except UNREADABLE as fault:
        raise _unreadable(document, fault) from fault
    return made


def kept_flow(document: dict[str, Any]) -> Flow:
    """Return the flow of a document that was checked when it was defined.

    A case follows the version that it pinned whatever later checks would say of it. Raises Invalid (flow.document) where
    it does not read as a flow.
    """
    try:
        return _flow(document)
    except UNREADABLE as fault:
        raise _unreadable(document, fault) from fault


UNREADABLE: Final = (KeyError, TypeError, ValueError, AttributeError, RecursionError, msgspec.MsgspecError)
"""What reading a document of the wrong shape ends in."""


def _unreadable(document: Any, fault: Exception) -> Invalid:
    name = document.get("name") if isinstance(document, dict) else None
    return Invalid(
        f"Document of flow {name!r:.80} cannot be read: {fault!r:.200}.",
        code="flow.document",
        where=f"flow {name!s:.80}",
        remedy="Send what flow_document wrote.",
    )


def _limit_document(limit: Limit | Parameter | None) -> Any:
    if isinstance(limit, Parameter):
        return {"parameter": limit.id}
    return None if limit is None else str(limit)


def _extension_document(extend: Extension) -> dict[str, Any]:
    return {"by": _limit_document(extend.by), "role": extend.role}


def _step_document(each: Step) -> dict[str, Any]:
    document: dict[str, Any] = {"name": each.name, "by": each.by, "title": each.title}
    plain = {"to": each.to, "fails": each.fails, "tells": each.tells, "ends": each.ends, "form": each.form}
    document |= {word: value for word, value in plain.items() if value}
    if each.within is not None:
        document["within"] = _limit_document(each.within)
    if each.may:
        document["may"] = [[permission.word, permission.ground] for permission in each.may]
    if each.evidence:
        document["evidence"] = [[proof.kind, proof.count, proof.attribute] for proof in each.evidence]
    if each.unless:
        document["unless"] = {"same_person": each.unless.step}
    if each.outcome:
        document["outcome"] = [ending.word for ending in each.outcome]
    if each.fields:
        written = [msgspec.to_builtins(field) for field in each.fields]
        document["fields"] = [{name: value for name, value in field.items() if name not in NEWER or value}
                              for field in written]  # fmt: skip
    if each.extend:
        document["extend"] = _extension_document(each.extend)
    if each.kind != "user":
        document["kind"] = each.kind
    if each.boundary:
        document["boundary"] = [_boundary_document(timer) for timer in each.boundary]
    if each.sets:
        document["sets"] = [list(pair) for pair in each.sets]
    return document


def _keeping_document(keeps: Keeping) -> dict[str, Any]:
    document = {"limit": _limit_document(keeps.limit), "since": keeps.since}
    return document | ({"tells": keeps.tells} if keeps.tells else {})


def _keeping(document: dict[str, Any] | None) -> Keeping | None:
    if document is None:
        return None
    return Keeping(_read_limit(document["limit"]), document["since"], document.get("tells"))


def _short(values: list[Any]) -> list[Any]:
    return values[:-1] if values[-1] is None else values


def _node_document(each: Node) -> dict[str, Any]:
    document: dict[str, Any] = {"name": each.name, "title": {"zh": each.zh, "en": each.en}}
    match each:
        case Gateway():
            document["gateway"] = each.kind
        case Wait():
            document["until"] = _limit_document(each.until)
            document |= {"since": each.since} if each.since else {}
        case Call():
            document["call"] = each.flow
    return document


def _boundary_document(timer: Boundary) -> dict[str, Any]:
    document = {"name": timer.name, "after": _limit_document(timer.after), "to": timer.to}
    document |= {} if timer.interrupting else {"interrupting": False}
    return document | ({"since": timer.since} if timer.since else {})


def _clock_document(clock: FlowClock) -> dict[str, Any]:
    document = {"name": clock.name, "title": {"zh": clock.zh, "en": clock.en}, "limit": _limit_document(clock.limit)}
    more = (("since", clock.since), ("until", clock.until), ("follows", clock.follows))
    return document | {name: value for name, value in more if value}


def _read_limit(value: Any) -> Limit | Parameter:
    return Parameter(value["parameter"]) if isinstance(value, dict) else parse_limit(value)


def _read_extension(document: dict[str, Any]) -> Extension | None:
    given = document.get("extend")
    return None if given is None else Extension(_read_limit(given["by"]), given["role"])


def _step(document: dict[str, Any]) -> Step:
    return Step(
        name=document["name"],
        by=document["by"],
        zh=document["title"]["zh"],
        en=document["title"]["en"],
        within=_read_limit(document["within"]) if "within" in document else None,
        to=document.get("to"),
        may=tuple(Permission(word, ground) for word, ground in document.get("may", ())),
        evidence=tuple(Evidence(*proof) for proof in document.get("evidence", ())),
        unless=SamePerson(document["unless"]["same_person"]) if "unless" in document else None,
        outcome=tuple(ENDINGS[word] for word in document.get("outcome", ())),
        fails=document.get("fails"),
        fields=tuple(msgspec.convert(field, Field) for field in document.get("fields", ())),
        tells=document.get("tells"),
        ends=document.get("ends", False),
        extend=_read_extension(document),
        kind=document.get("kind", "user"),
        boundary=tuple(_boundary(timer) for timer in document.get("boundary", ())),
        sets=tuple((field, expression) for field, expression in document.get("sets", ())),
        form=document.get("form", ""),
    )


def _boundary(document: dict[str, Any]) -> Boundary:
    return Boundary(
        document["name"],
        _read_limit(document["after"]),
        document["to"],
        document.get("interrupting", True),
        document.get("since"),
    )


def _node(document: dict[str, Any]) -> Node:
    name, zh, en = document["name"], document["title"]["zh"], document["title"]["en"]
    if "gateway" in document:
        return msgspec.convert({"name": name, "kind": document["gateway"], "zh": zh, "en": en}, Gateway)
    if "call" in document:
        return Call(name, document["call"], zh, en)
    return Wait(name, _read_limit(document["until"]), document.get("since"), zh, en)


def _clock(document: dict[str, Any]) -> FlowClock:
    title = document["title"]
    return FlowClock(
        document["name"],
        _read_limit(document["limit"]),
        document.get("since"),
        document.get("until"),
        title["zh"],
        title["en"],
        document.get("follows", False),
    )


def _flow(document: dict[str, Any]) -> Flow:
    after, confirm = document["escalate_after"], document["confirm"]
    return Flow(
        name=document["name"],
        case=document["case"],
        roles=dict(document["roles"]),
        steps=tuple(_step(each) for each in document["steps"]),
        overall=_read_limit(document["overall"]),
        amber=document["amber"],
        red=document["red"],
        escalate=document["escalate"],
        escalate_after=None if after is None else parse_limit(after),
        confirm=None if confirm is None else parse_limit(confirm),
        until=document.get("until"),
        private=document.get("private", False),
        extend=_read_extension(document),
        nodes=tuple(_node(each) for each in document.get("nodes", ())),
        arrows=tuple(Arrow(*each) for each in document.get("arrows", ())),
        clocks=tuple(_clock(each) for each in document.get("clocks", ())),
        begins=document.get("begins"),
        deemed=document.get("deemed"),
        keeps=_keeping(document.get("keeps")),
        figures=tuple(Parameter(id) for id in document.get("figures", ())),
        zh=document["title"]["zh"],
        en=document["title"]["en"],
    )
