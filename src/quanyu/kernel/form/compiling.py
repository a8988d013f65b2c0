"""Compiles a form for one applicant: what it needs, minus what the city holds, page by page."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any, Final

import msgspec

from quanyu.kernel.errors import Invalid
from quanyu.kernel.expression import Expression
from quanyu.kernel.form.answers import Asked, Fault, read_answer, shown
from quanyu.kernel.form.blank import Blank, Item, Origin, facts_of, line_of
from quanyu.kernel.form.words import (
    ANSWERS_MAX,
    NOTHING_HELD,
    Choice,
    Comparison,
    Element,
    Held,
    Kind,
    Language,
    Personal,
    Value,
    Words,
)

MISSING: Final = Fault("form.missing", "请回答这个问题。", "Answer this question.")
LICENCE: Final = Asked("identifier", length_max=120)
"""A document that is not in the hub: known by the id of its e-licence."""
_NOBODY: Final[Collection[str]] = frozenset()
_NONE: Final[Mapping[str, object]] = {}


class Page(msgspec.Struct, frozen=True):
    """One question on one page, in the language and wording asked for.

    `value` is what counts, `given` what was typed last (shown again beside a fault); `instead` is the held value that
    the applicant says is not right. A material without `upload` can come from its register only.
    """

    name: str
    kind: Kind
    origin: Origin
    title: str
    hint: str
    say: str
    required: bool
    personal: Personal
    choices: tuple[Choice, ...]
    unit: str | None
    length_max: int
    files_max: int
    upload: bool
    value: Value | None
    given: object
    shown: str
    fault: Fault | None
    instead: Held | None = None

    @property
    def answered(self) -> bool:
        """Whether an answer that counts was given."""
        return self.value is not None


class Prefilled(msgspec.Struct, frozen=True):
    """What a register holds and nobody is asked: with the register and as of which day."""

    name: str
    origin: Origin
    title: str
    shown: str
    personal: Personal
    held: Held


class Judged(msgspec.Struct, frozen=True):
    """A condition or comparison: `holds` is None while something that it reads is not known."""

    name: str
    words: Words
    holds: bool | None
    reads: tuple[str, ...]


class Compiled(msgspec.Struct, frozen=True):
    """A form for one applicant at one moment.

    `values` are the answers and held values that count, by name; hidden, faulty and stale ones are not among them.
    `disputed` are the held values that the applicant contradicts. `next` is the first page not yet passed. `faults` say
    what is wrong by name, answers that are still missing too.
    """

    form: str
    version: str
    title: str
    purpose: str
    pages: tuple[Page, ...]
    prefilled: tuple[Prefilled, ...]
    values: Mapping[str, Value]
    eligible: tuple[Judged, ...]
    compared: tuple[Judged, ...]
    missing: tuple[str, ...]
    next: str | None
    faults: Mapping[str, Fault]

    @property
    def failed(self) -> tuple[Judged, ...]:
        """The conditions that do not hold."""
        return tuple(each for each in self.eligible if each.holds is False)

    @property
    def complete(self) -> bool:
        """Whether it may be submitted: nothing missing, nothing wrong, no condition failed."""
        return not self.faults and not self.failed

    @property
    def disputed(self) -> dict[str, Held]:
        """Held values that the applicant says are not right, by name."""
        return {page.name: page.instead for page in self.pages if page.instead is not None}

    @property
    def progress(self) -> tuple[int, int]:
        """How many pages are passed, of how many as the form stands now."""
        names = [page.name for page in self.pages]
        return (len(names) if self.next is None else names.index(self.next), len(names))


def compile_form(
    blank: Blank,
    answers: Mapping[str, object] = _NONE,
    held: Mapping[str, Held] = NOTHING_HELD,
    *,
    today: date,
    language: Language = "zh",
    large: bool = False,
    disputed: Collection[str] = _NOBODY,
) -> Compiled:
    """Return the form for whoever gave these answers and of whom this is held (by element; only of a proven subject).

    Pure. `answers` are raw or kept values by name; what they answer that is not asked does not count. In large type
    the wording is plain and questions that may be left open come last. Raises Invalid `form.answers_many`.
    """
    if len(answers) > ANSWERS_MAX:
        raise Invalid(
            f"Form {blank.id} is given {len(answers)} answers; {ANSWERS_MAX} are read.",
            code="form.answers_many",
            where="answers",
            remedy="Send the questions of one form.",
        )
    work = _Work(blank, answers, held, today, language, large, disputed)
    for item in blank.items:
        if _visible(blank.conditions.get(item.name), work.row):
            work.take(item)
    pages = _late_last(blank, work.pages) if large else tuple(work.pages)
    missing = tuple(page.name for page in pages if page.required and page.value is None)
    passed = {page.name for page in pages if page.fault is None and (page.value is not None or _left(page, answers))}
    return Compiled(
        form=blank.id,
        version=blank.version,
        title=blank.form.title.of(language),
        purpose=blank.form.purpose.of(language),
        pages=pages,
        prefilled=tuple(work.prefilled),
        values=work.values,
        eligible=tuple(
            _judged(str(number), Words(each.zh, each.en), test, work.row)
            for number, (each, test) in enumerate(blank.eligible, 1)
        ),
        compared=tuple(_compared(blank, each, test, work) for each, test in blank.compare),
        missing=missing,
        next=next((page.name for page in pages if page.name not in passed), None),
        faults={
            page.name: page.fault or MISSING
            for page in pages
            if page.fault is not None or (page.required and page.value is None)
        },
    )


class _Work:
    """A form while it is being compiled: `row` is what expressions may read so far."""

    def __init__(
        self,
        blank: Blank,
        answers: Mapping[str, object],
        held: Mapping[str, Held],
        today: date,
        language: Language,
        large: bool,
        disputed: Collection[str],
    ) -> None:
        self._answers, self._held, self._today, self._disputed = answers, held, today, disputed
        self._language, self._large = language, large
        self.row: dict[str, Any] = {"today": today.isoformat()}
        self.values: dict[str, Value] = {}
        self.pages: list[Page] = []
        self.prefilled: list[Prefilled] = []

    def take(self, item: Item) -> None:
        """Fetch a line or ask for it."""
        held = self._held.get(item.element) if item.element and item.registers else None
        if held is not None:
            value = held.value if item.kind == "file" else read_answer(item.asked, held.value)
            if value is None or isinstance(value, Fault):
                # What a register wrongly holds is no answer: it is asked.
                held = None
            elif item.name not in self._disputed:
                self._fetch(item, held, value)
                return
        self._ask(item, held)

    def _fetch(self, item: Item, held: Held, value: Value) -> None:
        self.prefilled.append(
            Prefilled(
                name=item.name,
                origin=item.origin,
                title=self._title(item),
                shown=shown(value, item.asked.choices, self._language),
                personal=item.personal,
                held=held,
            )
        )
        self._count(item, value)

    def _ask(self, item: Item, instead: Held | None) -> None:
        given = self._answers.get(item.name) if item.upload else None
        read = read_answer(item.asked, given)
        fault = read if isinstance(read, Fault) else None
        value = None if isinstance(read, Fault) else read
        self.pages.append(
            Page(
                name=item.name,
                kind=item.kind,
                origin=item.origin,
                title=self._title(item),
                hint=item.hint.of(self._language) if item.hint else "",
                say=(item.say or item.plain or item.title).of(self._language),
                required=item.required,
                personal=item.personal,
                choices=item.asked.choices,
                unit=item.unit,
                length_max=item.asked.length_max,
                files_max=item.asked.files_max,
                upload=item.upload,
                value=value,
                given=given,
                shown="" if value is None else shown(value, item.asked.choices, self._language),
                fault=fault,
                instead=instead,
            )
        )
        if value is not None:
            self._count(item, value)

    def _count(self, item: Item, value: Value) -> None:
        self.values[item.name] = value
        self.row.update(facts_of(item, value, self._today))

    def _title(self, item: Item) -> str:
        words = item.plain if self._large and item.plain else item.title
        return words.of(self._language)


def check_value(element: Element, given: object) -> Value | Fault | None:
    """Return a value of an element as registers keep it, None for an empty one, or what is wrong with it.

    A file is held as it lies in the hub, or as the id of an e-licence.
    """
    asked = line_of(element).asked
    return read_answer(LICENCE if asked.kind == "file" and isinstance(given, str) else asked, given)


def check_answer(blank: Blank, name: str, given: object) -> Value | None:
    """Return the value of one answer of a form, None for an empty one.

    Raises Invalid: `form.question` for a question that the form does not have, else the code of the answer's fault,
    with its words in zh and en in the details.
    """
    item = blank.by_name.get(name)
    if item is None:
        raise Invalid(
            f"Form {blank.id} has no question {name[:80]!r}.",
            code="form.question",
            where=name[:80],
            remedy=f"Questions are {', '.join(list(blank.by_name)[:20])}.",
        )
    read = read_answer(item.asked, given)
    if isinstance(read, Fault):
        raise Invalid(read.en, code=read.code, where=name, zh=read.zh, en=read.en)
    return read


def _visible(condition: Expression | None, row: Mapping[str, Any]) -> bool:
    return condition is None or condition.holds(row)


def _judged(name: str, words: Words, test: Expression, row: Mapping[str, Any]) -> Judged:
    value = test.value(row)
    return Judged(name, words, value if isinstance(value, bool) else None, tuple(sorted(test.names)))


def _compared(blank: Blank, each: Comparison, test: Expression, work: _Work) -> Judged:
    judged = _judged(each.name, Words(each.zh, each.en), test, work.row)
    fetched = {line.name for line in work.prefilled}
    own_word = [name for name in blank.read_by(test) if blank.by_name[name].registers and name not in fetched]
    doubted = bool(own_word) or any(page.instead is not None for page in work.pages)
    return msgspec.structs.replace(judged, holds=False) if each.held and judged.holds and doubted else judged


def _left(page: Page, answers: Mapping[str, object]) -> bool:
    """Whether an open question was seen and left empty."""
    return not page.required and page.name in answers


def _late_last(blank: Blank, pages: list[Page]) -> tuple[Page, ...]:
    """Put what may be left open, and what nothing depends on, after the rest: fewer steps to a complete form."""
    late = {page.name for page in pages if not page.required and page.name not in blank.read_by_others}
    return (*(page for page in pages if page.name not in late), *(page for page in pages if page.name in late))
