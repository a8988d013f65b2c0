"""What a flow says and BPMN has no place for, as elements of our own namespace, one by one and both ways."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeVar

import msgspec

from quanyu.kernel.bpmn.scan import facts_of, place, refuse
from quanyu.kernel.bpmn.span import limit_text, read_limit
from quanyu.kernel.bpmn.xml import Element, Tag
from quanyu.kernel.errors import Invalid
from quanyu.kernel.flow import (
    ENDINGS,
    Evidence,
    Extension,
    Field,
    Flow,
    FlowClock,
    Keeping,
    Parameter,
    Permission,
    SamePerson,
    Step,
)

T = TypeVar("T")

WORDS: Final = {
    "flow": (
        "name",
        "case",
        "en",
        "overall",
        "amber",
        "red",
        "escalate",
        "escalateAfter",
        "confirm",
        "until",
        "private",
        "begins",
        "deemed",
        "keeps",
        "keepsSince",
        "keepsTells",
        "extendBy",
        "extendRole",
        "arrows",
    ),
    "role": ("name", "unit"),
    "clock": ("name", "limit", "since", "until", "follows", "zh", "en"),
    "figure": ("name",),
    "lane": ("role",),
    "step": ("by", "en", "within", "to", "notDoerOf", "fails", "tells", "ends", "form", "extendBy", "extendRole"),
    "may": ("word", "ground"),
    "evidence": ("kind", "count", "attribute"),
    "outcome": ("word",),
    "field": ("name", "kind", "required", "counted", "personal", "when", "is", "zh", "en"),
    "sets": ("field",),
    "title": ("en",),
}
"""Elements of our namespace with their attributes."""


def tag(name: str, /, *children: Tag, text: str = "", **attributes: str | None) -> Tag:
    """Return an element of our namespace; attributes that say nothing are left out."""
    return Tag(
        f"quanyu:{name}", *children, text=text, **{key: said for key, said in attributes.items() if said is not None}
    )


def flow_tags(flow: Flow, arrows: bool) -> Iterator[Tag]:
    """Yield what a flow says besides its name; `arrows`: its steps are in line and yet have arrows."""
    yield tag(
        "flow",
        name=flow.name,
        case=flow.case,
        en=flow.en,
        overall=limit_text(flow.overall),
        amber=repr(flow.amber),
        red=repr(flow.red),
        escalate=flow.escalate,
        escalateAfter=None if flow.escalate_after is None else limit_text(flow.escalate_after),
        confirm=None if flow.confirm is None else limit_text(flow.confirm),
        until=flow.until,
        private="true" if flow.private else None,
        begins=flow.begins,
        deemed=flow.deemed,
        **_keeping(flow.keeps),
        **_extension(flow.extend),
        arrows="drawn" if arrows else None,
    )
    for role, unit in flow.roles.items():
        yield tag("role", name=role, unit=unit)
    for each in flow.figures:
        yield tag("figure", name=each.id)
    for clock in flow.clocks:
        yield tag(
            "clock",
            name=clock.name,
            limit=limit_text(clock.limit),
            since=clock.since,
            until=clock.until,
            follows="true" if clock.follows else None,
            zh=clock.zh or None,
            en=clock.en or None,
        )


def _keeping(keeps: Keeping | None) -> dict[str, str]:
    if keeps is None:
        return {}
    told = {"keepsTells": keeps.tells} if keeps.tells else {}
    return {"keeps": limit_text(keeps.limit), "keepsSince": keeps.since, **told}


def read_keeping(fact: Element) -> Keeping | None:
    """Return how long what a case tells of a person is kept; None where nothing is said."""
    limit = limit_of(fact, "keeps")
    return None if limit is None else Keeping(limit, said(fact, "keepsSince"), fact.attributes.get("keepsTells"))


def _extension(extend: Extension | None) -> dict[str, str]:
    return {} if extend is None else {"extendBy": limit_text(extend.by), "extendRole": extend.role}


def read_extension(fact: Element) -> Extension | None:
    """Return how much more time may be asked for; None where nothing is said."""
    by = limit_of(fact, "extendBy")
    if by is None:
        return None
    return Extension(by, fact.attributes.get("extendRole", Extension.role))


def step_tags(step: Step, in_lane: bool) -> Iterator[Tag]:
    """Yield what a step says besides its name, its kind and its lane."""
    yield tag(
        "step",
        by=None if in_lane else step.by,
        en=step.en,
        within=None if step.within is None else limit_text(step.within),
        to=step.to,
        notDoerOf=None if step.unless is None else step.unless.step,
        fails=step.fails,
        tells=step.tells,
        ends="true" if step.ends else None,
        form=step.form or None,
        **_extension(step.extend),
    )
    for permission in step.may:
        yield tag("may", word=permission.word, ground=permission.ground)
    for proof in step.evidence:
        yield tag("evidence", kind=proof.kind, count=str(proof.count), attribute=proof.attribute)
    for ending in step.outcome:
        yield tag("outcome", word=ending.word)
    for field in step.fields:
        yield tag(
            "field",
            *(tag("choice", text=choice) for choice in field.choices),
            name=field.name,
            kind=field.kind,
            required=None if field.required else "false",
            counted="true" if field.counted else None,
            personal="true" if field.personal else None,
            **_condition(field.when),
            zh=field.zh or None,
            en=field.en or None,
        )
    for name, expression in step.sets:
        yield tag("sets", text=expression, field=name)


def _condition(when: tuple[str, bool | str] | None) -> dict[str, str]:
    if when is None:
        return {}
    name, value = when
    return {"when": name, "is": value if isinstance(value, str) else "true" if value else "false"}


def title_tags(en: str) -> Iterator[Tag]:
    """Yield the English title of an element whose name in the drawing is the Chinese one."""
    if en:
        yield tag("title", en=en)


class Facts:
    """What an element of a drawing carries of ours; every fault names the line."""

    def __init__(self, element: Element, *allowed: str) -> None:
        self.found = list(facts_of(element))
        for fact in self.found:
            if fact.name not in allowed:
                raise fault(fact, f"says nothing that a {element.name} has", f"Known there: {', '.join(allowed)}.")
            unknown = [name for name in fact.attributes if name not in WORDS[fact.name]]
            if unknown:
                raise fault(fact, f"says {unknown[0][:40]!r}", f"Known: {', '.join(WORDS[fact.name])}.")

    def get(self, name: str) -> Element | None:
        """Return the one fact of this name; Invalid when there are two."""
        named = self.all(name)
        if len(named) > 1:
            raise fault(named[1], "stands twice", "Keep one of them.")
        return named[0] if named else None

    def all(self, name: str) -> list[Element]:
        """Return all facts of this name, in order."""
        return [fact for fact in self.found if fact.name == name]


def fault(fact: Element, why: str, remedy: str) -> Invalid:
    """Return the error about a fact of ours."""
    return refuse(fact, why, "extension", remedy)


def said(fact: Element, name: str) -> str:
    """Return an attribute that must be there."""
    text = fact.attributes.get(name)
    if text is None:
        raise fault(fact, f"has no {name}", f"Say {name}=.")
    return text


def limit_of(fact: Element, name: str) -> Any:
    """Return a limit, a parameter, or None where nothing is said."""
    text = fact.attributes.get(name)
    return None if text is None else read_limit(text, place(fact))


def number_of(fact: Element, name: str, kind: Callable[[str], T], default: T) -> T:
    """Return a number."""
    text = fact.attributes.get(name)
    if text is None:
        return default
    try:
        return kind(text)
    except (ValueError, OverflowError) as wrong:
        raise fault(fact, f"has {name}={text[:40]!r}, which is no number", "Write digits.") from wrong


def flag_of(fact: Element, name: str) -> bool:
    """Return whether something is said to be true."""
    text = fact.get(name)
    if text not in ("true", "false"):
        raise fault(fact, f"has {name}={text[:40]!r}", "Write true or false.")
    return text == "true"


def _each(facts: Iterable[Element], read: Callable[[Element], T]) -> tuple[T, ...]:
    found: list[T] = []
    for fact in facts:
        try:
            found.append(read(fact))
        except msgspec.ValidationError as wrong:
            raise fault(fact, f"does not fit: {wrong}", "Use the words of the guide on BPMN.") from wrong
    return tuple(found)


def _evidence(fact: Element) -> Evidence:
    built = {**fact.attributes, "count": number_of(fact, "count", int, 1)}
    return msgspec.convert(built, Evidence)


def _outcome(fact: Element) -> Any:
    word = said(fact, "word")
    if word not in ENDINGS:
        raise fault(fact, f"ends with {word[:40]!r}", f"Use {', '.join(ENDINGS)}.")
    return ENDINGS[word]


def _field(fact: Element) -> Field:
    choices = [choice.text for choice in fact.children if choice.name == "choice"]
    if len(choices) < len(fact.children):
        raise fault(fact, "holds something else than choices", "Write <quanyu:choice>.")
    said_there: dict[str, Any] = {name: text for name, text in fact.attributes.items() if name != "is"}
    if "when" in said_there or "is" in fact.attributes:
        said_there["when"] = (said(fact, "when"), said(fact, "is"))
    said_there |= {name: flag_of(fact, name) for name in ("required", "counted", "personal") if name in fact.attributes}
    return msgspec.convert(said_there | {"choices": choices}, Field)


def _fields(facts: Facts) -> tuple[Field, ...]:
    """Return the fields of a step; what hangs on a yes or no hangs on a truth value, not on its word."""
    found = _each(facts.all("field"), _field)
    judged = {field.name for field in found if field.kind == "yes_no"}
    flags: dict[Any, bool] = {"true": True, "false": False}
    return tuple(
        [
            msgspec.structs.replace(field, when=(field.when[0], flags.get(field.when[1], field.when[1])))
            if field.when is not None and field.when[0] in judged
            else field
            for field in found
        ]
    )


def _clock(fact: Element) -> FlowClock:
    limit = limit_of(fact, "limit")
    if limit is None:
        raise fault(fact, "has no limit", "Say limit=.")
    words: dict[str, Any] = {name: text for name, text in fact.attributes.items() if name not in ("name", "limit")}
    if "follows" in words:
        words["follows"] = flag_of(fact, "follows")
    return FlowClock(said(fact, "name"), limit, **words)


def read_clocks(facts: Facts) -> tuple[FlowClock, ...]:
    """Return the clocks of a flow."""
    return _each(facts.all("clock"), _clock)


def read_figures(facts: Facts) -> tuple[Parameter, ...]:
    """Return the dated numbers that guards and rule steps of a flow read."""
    return _each(facts.all("figure"), lambda fact: Parameter(said(fact, "name")))


def read_parts(facts: Facts) -> dict[str, Any]:
    """Return the parts of a step that stand in elements of their own."""
    return {
        "may": _each(facts.all("may"), lambda fact: msgspec.convert(dict(fact.attributes), Permission)),
        "evidence": _each(facts.all("evidence"), _evidence),
        "outcome": _each(facts.all("outcome"), _outcome),
        "fields": _fields(facts),
        "sets": _each(facts.all("sets"), lambda fact: (said(fact, "field"), fact.text)),
    }


def read_step(fact: Element) -> dict[str, Any]:
    """Return what the fact of a step itself says."""
    other = fact.attributes.get("notDoerOf")
    return {
        "within": limit_of(fact, "within"),
        "to": fact.attributes.get("to"),
        "unless": None if other is None else SamePerson(other),
        "fails": fact.attributes.get("fails"),
        "tells": fact.attributes.get("tells"),
        "ends": "ends" in fact.attributes and flag_of(fact, "ends"),
        "form": fact.attributes.get("form", ""),
        "extend": read_extension(fact),
    }
