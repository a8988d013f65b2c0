"""What the parts of forms.toml files mean to each other, across all packs: every fault with its place and its cure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from msgspec.structs import asdict

from quanyu.kernel.errors import Invalid
from quanyu.kernel.expression import read_expression
from quanyu.kernel.flow import NAME
from quanyu.kernel.form.answers import CHECKS
from quanyu.kernel.form.blank import ALWAYS, Blank, Item, line_of, lines_of
from quanyu.kernel.form.ordering import in_order
from quanyu.kernel.form.words import FILES_MAX, LENGTH_MAX, Element, Form, Register
from quanyu.kernel.unit import find_unit

LENGTH_BOUND: Final = 5 * LENGTH_MAX
"""Characters that a question may allow for one answer."""

Single = TypeVar("Single", Register, Form)


def merged(elements: Iterable[Element], faults: list[Invalid]) -> dict[str, Element]:
    """Put elements of all packs together by id: the same said twice is one, two that disagree are a fault."""
    made: dict[str, Element] = {}
    for each in elements:
        known = asdict(made.setdefault(each.id, each))
        if differ := [key for key, value in asdict(each).items() if key != "pack" and value != known[key]]:
            why = f"element {each.id} of {each.pack} disagrees with that of {known['pack']} in {', '.join(differ)}"
            faults.append(_fault(why, "form.element", _at(each), "Write it once, in the pack that owns its meaning."))
    return made


def single(declared: Iterable[Single], faults: list[Invalid]) -> dict[str, Single]:
    """Put registers or forms together by id: no two packs may declare the same."""
    made: dict[str, Single] = {}
    for each in declared:
        if not NAME.match(each.id):
            faults.append(_fault(f"id {each.id[:80]!r} is not in snake_case", "form.name", _at(each), "Write a_name."))
        known = made.setdefault(each.id, each)
        if known is not each:
            why = f"{_word(each)} {each.id} is declared by {known.pack} too"
            faults.append(_fault(why, "form.twice", _at(each), "Give one of them another id."))
    return made


def holders_of(registers: Iterable[Register]) -> dict[str, tuple[str, ...]]:
    """Return which registers hold an element, in the order of the packs."""
    held: dict[str, tuple[str, ...]] = {}
    for register in registers:
        for element in dict.fromkeys(register.holds):
            held[element] = (*held.get(element, ()), register.id)
    return held


def check_elements(elements: Iterable[Element]) -> Iterator[Invalid]:
    """Yield what is wrong with elements: names that expressions could not tell apart, checks and units unknown."""
    names: dict[str, str] = {}
    for each in elements:
        if not all(NAME.match(part) for part in each.id.split(".")) or not NAME.match(each.name):
            yield _fault(f"id {each.id[:80]!r} is not a name", "form.name", _at(each), "Write for example firm.name.")
        known = names.setdefault(each.name, each.id)
        if known != each.id:
            why = f"elements {each.id} and {known} are both called {each.name} in expressions"
            yield _fault(why, "form.name", _at(each), "Give one of them another id.")
        yield from _line_faults(line_of(each), _at(each))


def check_registers(registers: Iterable[Register], elements: Mapping[str, Element]) -> Iterator[Invalid]:
    """Yield what is wrong with registers: elements that nobody declares, texts left empty."""
    for each in registers:
        if not each.zh.strip() or not each.en.strip() or not each.basis.strip() or not each.owner.strip():
            why = f"register {each.id} lacks its title in zh and en, its legal basis or its owner"
            yield _fault(why, "form.words", _at(each), "Write zh, en, basis and owner; say so where there is no basis.")
        for id in each.holds:
            if id not in elements:
                yield _unknown(id, f"register {each.id}", _at(each), elements)


def check_form(
    form: Form,
    elements: Mapping[str, Element],
    registers: Mapping[str, Register],
    holders: Mapping[str, Sequence[str]],
) -> Iterator[Invalid]:
    """Yield what is wrong with a form before its conditions are read; the first law: nobody is asked what is held."""
    where = _at(form)
    if not form.zh.strip() or not form.en.strip() or not form.purpose.zh.strip() or not form.purpose.en.strip():
        yield _fault(f"form {form.id} lacks title or purpose in zh and en", "form.words", where, "Write both.")
    for need in form.needed:
        if need.element not in elements:
            yield _unknown(need.element, f"form {form.id}", where, elements)
        elif need.element not in holders:
            why = f"form {form.id} needs {need.element}, which no register holds"
            yield _fault(why, "form.not_held", where, f"Move {need.element} to ask.")
    labels = _labels(elements, holders)
    for question in form.ask:
        place = f"{where}, question {question.field or '?'}"
        if question.element is not None and question.element not in elements:
            yield _unknown(question.element, f"question {question.field}", place, elements)
            continue
        if question.element is None and question.kind is None:
            yield _fault(f"question {question.name or '?'} has no kind", "form.kind", place, "Write kind or element.")
        held = question.element if question.element in holders else labels.get(question.zh) or labels.get(question.en)
        if held is not None:
            yield _held(form, question.field, held, registers[holders[held][0]], place)
    for material in form.material:
        place = f"{where}, material {material.name}"
        if material.shared is not None and material.shared not in elements:
            yield _unknown(material.shared, f"material {material.name}", place, elements)
        elif not material.upload and material.shared not in holders:
            why = f"material {material.name} can be supplied by nothing: no register holds it, no upload is allowed"
            yield _fault(why, "form.material", place, "Name a shared element that a register holds, or allow upload.")
        if not 1 <= material.files_max <= FILES_MAX:
            yield _fault(f"files_max is {material.files_max}", "form.material", place, f"Write 1 to {FILES_MAX}.")


def check_blank(form: Form, elements: Mapping[str, Element], holders: Mapping[str, Sequence[str]]) -> Blank:
    """Return the blank of a form whose parts are known; raises the first Invalid that its lines or conditions earn."""
    where = _at(form)
    lines = lines_of(form, elements, holders)
    for line in lines:
        for fault in _line_faults(line, f"{where}, {line.origin} {line.name}"):
            raise fault
    _check_names(lines, where)
    placed = in_order(form, lines, where)
    names = [name for item in lines for name in item.given] + [*ALWAYS]
    for number, condition in enumerate(form.eligible, 1):
        read_expression(condition.when, names, f"{where}, eligible {number}, when")
        _check_words(condition.zh, condition.en, f"{where}, eligible {number}")
    given = set(names)
    for each in form.compare:
        if not NAME.match(each.name) or each.name in given:
            raise _fault(f"compare {each.name[:80]!r} is no free name", "form.name", where, "Write a_name of its own.")
        given.add(each.name)
        read_expression(each.when, names, f"{where}, compare {each.name}, when")
        _check_words(each.zh, each.en, f"{where}, compare {each.name}")
    return Blank(form, placed)


def _labels(elements: Mapping[str, Element], holders: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the labels under which something held is known, in either language."""
    held = [elements[id] for id in holders if id in elements]
    return {label.strip(): each.id for each in held for label in (each.zh, each.en) if label.strip()}


def _held(form: Form, question: str, element: str, register: Register, place: str) -> Invalid:
    return Invalid(
        f"form {form.id} asks in {question} for {element}, which the register {register.id} of {register.owner} holds",
        code="form.held",
        where=place,
        remedy=f'Move it to needs: needs = ["{element}"].',
        form=form.id,
        question=question,
        register=register.id,
    )


def _line_faults(line: Item, where: str) -> Iterator[Invalid]:
    """Yield what is wrong with what an answer must be, or with the words that ask for it."""
    asked = line.asked
    texts = [line.title, *(each for each in (line.plain, line.hint, line.say) if each is not None)]
    if not all(text.zh.strip() and text.en.strip() for text in texts):
        yield _fault(f"{line.name} has no words in zh and en", "form.words", where, "Write zh and en.")
    if asked.check is not None and asked.check not in CHECKS:
        yield _fault(f"check {asked.check[:80]!r} is not known", "form.check", where, f"Use {', '.join(CHECKS)}.")
    if (asked.kind in ("choice", "choices")) is not bool(asked.choices):
        yield _fault(f"{line.name} of kind {asked.kind} has {len(asked.choices)} choices", "form.choices", where,
                     "Write choices = [{ word, zh, en }, …] for choice and choices, and for no other kind.")  # fmt: skip
    words = [each.word for each in asked.choices]
    if len(set(words)) < len(words) or not all(NAME.match(word) for word in words):
        yield _fault(f"choices of {line.name} repeat a word or use none", "form.choices", where, "Write a_word each.")
    if not all(each.zh.strip() and each.en.strip() for each in asked.choices):
        yield _fault(f"a choice of {line.name} has no words in zh and en", "form.words", where, "Write zh and en.")
    if asked.least is not None and asked.most is not None and asked.least > asked.most:
        yield _fault(f"least {asked.least:g} is above most {asked.most:g}", "form.range", where, "Turn them round.")
    if not 1 <= asked.length_max <= LENGTH_BOUND:
        yield _fault(f"length_max is {asked.length_max}", "form.length", where, f"Write 1 to {LENGTH_BOUND}.")
    if line.unit is not None and find_unit(line.unit) is None:
        yield _fault(f"unit {line.unit} is no common code", "form.unit", where, "Write a UN/CEFACT code such as MTK.")


def _check_names(lines: Sequence[Item], where: str) -> None:
    """Refuse a name that stands twice, also one that is read off another answer, and what is no name."""
    seen: dict[str, str] = dict.fromkeys(ALWAYS, "every form")
    for line in lines:
        if not NAME.match(line.name):
            raise _fault(f"name {line.name[:80]!r} is not in snake_case", "form.name", where, "Write a_name.")
        for name in line.given:
            if name in seen:
                why = f"name {name} of {line.name} stands for {seen[name]} already"
                raise _fault(why, "form.twice", f"{where}, {line.origin} {line.name}", "Give it another name.")
            seen[name] = line.name


def _check_words(zh: str, en: str, where: str) -> None:
    if not zh.strip() or not en.strip():
        raise _fault("words are not given in zh and en", "form.words", where, "Write zh and en.")


def _unknown(id: str, reader: str, where: str, elements: Mapping[str, Element]) -> Invalid:
    stem = id.partition(".")[0]
    near = [each for each in sorted(elements) if each.partition(".")[0] == stem][:10]
    return _fault(f"{reader} names the element {id[:80]!r}, which no pack declares", "form.element_unknown", where,
                  f"Declare it as [[element]]{', or use one of ' + ', '.join(near) if near else ''}.")  # fmt: skip


def _word(part: Register | Form | Element) -> str:
    return type(part).__name__.lower()


def _at(part: Register | Form | Element) -> str:
    return f"{part.pack}/forms.toml, {_word(part)} {part.id[:80]}"


def _fault(why: str, code: str, where: str, remedy: str | None = None) -> Invalid:
    return Invalid(why, code=code, where=where, remedy=remedy)
