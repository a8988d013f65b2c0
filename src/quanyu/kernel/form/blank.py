"""A blank: a form whose needs, questions and materials are looked up, put in order, and their conditions compiled."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import Any, Final, Literal

import msgspec

from quanyu.kernel.expression import Expression, compile_expression
from quanyu.kernel.form.answers import Asked
from quanyu.kernel.form.words import (
    LENGTH_MAX,
    Condition,
    Element,
    Form,
    Kind,
    Material,
    Need,
    Personal,
    Question,
    Value,
    Words,
)

Origin = Literal["need", "ask", "material"]
ALWAYS: Final = ("today",)
"""Names that every expression of a form may read: the day, as ISO text."""


class Item(msgspec.Struct, frozen=True):
    """One line of a form, whatever it came from: what may be asked, fetched or shared under one name."""

    name: str
    origin: Origin
    title: Words
    asked: Asked
    element: str | None = None
    registers: tuple[str, ...] = ()
    plain: Words | None = None
    hint: Words | None = None
    say: Words | None = None
    unit: str | None = None
    personal: Personal = "none"
    required: bool = True
    when: str | None = None
    upload: bool = True

    @property
    def kind(self) -> Kind:
        """What kind of answer it takes."""
        return self.asked.kind

    @property
    def given(self) -> tuple[str, ...]:
        """Names that it gives to later expressions (see `facts_of`)."""
        match self.kind:
            case "date":
                return (self.name, f"{self.name}_years")
            case "choices":
                return (self.name, *(f"{self.name}_{each.word}" for each in self.asked.choices))
            case "identifier" | "text" if self.asked.check == "citizen_id":
                return (self.name, f"{self.name}_birth", f"{self.name}_years")
            case _:
                return (self.name,)


class Blank:
    """A form ready to be compiled for whoever applies; `version` changes with anything that applicants would notice."""

    def __init__(self, form: Form, items: Sequence[Item]) -> None:
        self.form = form
        self.items: tuple[Item, ...] = tuple(items)
        self.by_name: Mapping[str, Item] = {item.name: item for item in self.items}
        self.conditions: Mapping[str, Expression] = {
            item.name: compile_expression(item.when) for item in self.items if item.when is not None
        }
        self.eligible: tuple[tuple[Condition, Expression], ...] = tuple(
            (each, compile_expression(each.when)) for each in form.eligible
        )
        self._gives = {name: item.name for item in self.items for name in item.given}
        self.compare = tuple((each, compile_expression(each.when)) for each in form.compare)

    @property
    def id(self) -> str:
        """The id of the form."""
        return self.form.id

    def read_by(self, test: Expression) -> tuple[str, ...]:
        """Names of the items whose answers an expression reads."""
        return tuple(sorted({self._gives[name] for name in test.names if name in self._gives}))

    @cached_property
    def version(self) -> str:
        """Twelve hex digits over the form with the elements that it takes up."""
        text = msgspec.json.encode([msgspec.structs.replace(self.form, pack=""), self.items])
        return hashlib.sha256(text).hexdigest()[:12]

    @cached_property
    def fetched(self) -> tuple[str, ...]:
        """Ids of the elements to look up in registers before the form is compiled."""
        return tuple(dict.fromkeys(item.element for item in self.items if item.element and item.registers))

    @cached_property
    def read_by_others(self) -> frozenset[str]:
        """Names of items that the condition of another item reads."""
        read = frozenset().union(*(each.names for each in self.conditions.values()))
        return frozenset(item.name for item in self.items if read & set(item.given))


def facts_of(item: Item, value: Value, today: date) -> Iterator[tuple[str, Any]]:
    """Yield what an answer gives to expressions: itself, and what can be read off it.

    A date gives `<name>_years`, the full years up to today; a citizen number `<name>_birth` and `<name>_years`;
    several choices a truth value `<name>_<word>` for each word.
    """
    if isinstance(value, tuple):
        yield item.name, len(value)
        if item.kind == "choices":
            yield from ((f"{item.name}_{each.word}", each.word in value) for each in item.asked.choices)
        return
    yield item.name, value
    if not isinstance(value, str) or len(item.given) == 1:
        return
    born = date.fromisoformat(value if item.kind == "date" else f"{value[6:10]}-{value[10:12]}-{value[12:14]}")
    if item.kind != "date":
        yield f"{item.name}_birth", born.isoformat()
    yield f"{item.name}_years", today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def lines_of(form: Form, elements: Mapping[str, Element], holders: Mapping[str, Sequence[str]]) -> list[Item]:
    """Return the lines of a form as declared: needs, questions, materials. Every element named must exist."""
    return [
        *(_need(each, elements[each.element], holders.get(each.element, ())) for each in form.needed),
        *(_question(each, elements[each.element] if each.element else None) for each in form.ask),
        *(
            _material(each, elements[each.shared] if each.shared else None, holders.get(each.shared or "", ()))
            for each in form.material
        ),
    ]


def line_of(element: Element) -> Item:
    """Return an element as a question would ask it."""
    return _question(Question(element=element.id), element)


def _need(need: Need, element: Element, holders: Sequence[str]) -> Item:
    line = _question(Question(element=element.id, when=need.when, required=need.required), element)
    return msgspec.structs.replace(line, origin="need", registers=tuple(holders))


def _question(question: Question, element: Element | None) -> Item:
    told = element or Element(id=question.name, kind=question.kind or "text", zh=question.zh, en=question.en)
    least, most = (
        getattr(question, end) if getattr(question, end) is not None else getattr(told, end) for end in _ENDS
    )
    asked = Asked(
        kind=question.kind or told.kind,
        check=question.check or told.check,
        choices=question.choices or told.choices,
        least=least,
        most=most,
        length_max=question.length_max or told.length_max or LENGTH_MAX,
    )
    return Item(
        name=question.field,
        origin="ask",
        title=Words(question.zh or told.zh, question.en or told.en),
        asked=asked,
        element=question.element,
        plain=question.plain or told.plain,
        hint=question.hint or told.hint,
        say=question.say or told.say,
        unit=question.unit or told.unit,
        personal=question.personal or told.personal,
        required=question.required,
        when=question.when,
    )


_ENDS: Final = ("least", "most")


def _material(material: Material, element: Element | None, holders: Sequence[str]) -> Item:
    return Item(
        name=material.name,
        origin="material",
        title=Words(material.zh, material.en),
        asked=Asked(kind="file", files_max=material.files_max),
        element=material.shared,
        registers=tuple(holders),
        plain=material.plain,
        hint=material.hint,
        say=material.say,
        personal=element.personal if element and material.personal == "none" else material.personal,
        required=material.required,
        when=material.when,
        upload=material.upload,
    )
