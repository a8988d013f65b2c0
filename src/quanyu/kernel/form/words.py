"""The words of forms: elements with one meaning for all packs, registers that hold them, forms that need and ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, Protocol

import msgspec

from quanyu.kernel.status import Status

Kind = Literal["text", "number", "date", "yes_no", "choice", "choices", "identifier", "place", "file"]
Personal = Literal["none", "personal", "sensitive"]
Holder = Literal["person", "firm"]
Language = Literal["zh", "en"]

FIELDS_MAX: Final = 300
"""Needs, questions and materials of one form together."""
ANSWERS_MAX: Final = 1_000
"""Answers that one call may bring: more than any form can ask."""
LENGTH_MAX: Final = 2_000
"""Characters of an answer where its question names no bound."""
FILES_MAX: Final = 10
"""Files of one material."""


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text in the two languages of the hub."""

    zh: str
    en: str

    def of(self, language: Language) -> str:
        """The text in a language."""
        return self.zh if language == "zh" else self.en


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One answer out of several: the `word` is kept, the texts are shown."""

    word: str
    zh: str
    en: str


class Element(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A data element (数据元): one meaning and one id, such as `firm.credit_code`, for all packs.

    `check` names an identifier check of `CHECKS`; `unit` is a UN/CEFACT code; `least` and `most` bound numbers.
    """

    id: str
    kind: Kind
    zh: str
    en: str
    personal: Personal = "none"
    check: str | None = None
    unit: str | None = None
    choices: tuple[Choice, ...] = ()
    least: float | None = None
    most: float | None = None
    length_max: int | None = None
    hint: Words | None = None
    plain: Words | None = None
    say: Words | None = None
    pack: str = ""

    @property
    def name(self) -> str:
        """What the element is called in expressions and fields: `firm.credit_code` is `firm_credit_code`."""
        return self.id.replace(".", "_")

    @property
    def title(self) -> Words:
        """Its label."""
        return Words(self.zh, self.en)


class Register(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a department holds of persons or firms: `holds` are ids of elements, `basis` says by what law."""

    id: str
    of: Holder
    owner: str
    basis: str
    status: Status
    zh: str
    en: str
    holds: tuple[str, ...]
    pack: str = ""

    @property
    def title(self) -> Words:
        """What it is called."""
        return Words(self.zh, self.en)


class Need(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An element that a form fetches from the register that holds it; asked where none holds it of this subject."""

    element: str
    when: str | None = None
    required: bool = True


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What nobody holds and the applicant must say: of an element, or under a name of its own.

    `when` is an expression over earlier answers; `plain` replaces the label in large type; `say` is what a call-taker
    reads aloud. What an element says about kind, words and bounds is taken from it unless it is said here.
    """

    name: str = ""
    element: str | None = None
    kind: Kind | None = None
    zh: str = ""
    en: str = ""
    personal: Personal | None = None
    check: str | None = None
    unit: str | None = None
    choices: tuple[Choice, ...] = ()
    least: float | None = None
    most: float | None = None
    length_max: int | None = None
    hint: Words | None = None
    plain: Words | None = None
    say: Words | None = None
    when: str | None = None
    required: bool = True

    @property
    def field(self) -> str:
        """Its name in expressions and answers."""
        return self.name or (self.element or "").replace(".", "_")


class Material(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A document: `shared` is the element under which a register holds it (a file, or the id of an e-licence).

    Where no register holds it of this subject, it is uploaded, unless `upload` says that it cannot be.
    """

    name: str
    zh: str
    en: str
    shared: str | None = None
    upload: bool = True
    files_max: int = 1
    hint: Words | None = None
    plain: Words | None = None
    say: Words | None = None
    when: str | None = None
    required: bool = True
    personal: Personal = "personal"


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What must hold of whoever applies; the words say it so that a failed condition explains itself."""

    when: str
    zh: str
    en: str


class Comparison(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A named yes or no, worked out at submission from answers and held values, kept with what it was read from.

    With `held` it is true only where what it reads and registers could hold comes from one, and nothing that is held is
    disputed: what an approval without a person rests on is never the applicant's own word.
    """

    name: str
    when: str
    zh: str
    en: str
    held: bool = False


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a step needs of an applicant: minus what the city holds, it is what people are asked."""

    id: str
    zh: str
    en: str
    purpose: Words
    needs: tuple[str | Need, ...] = ()
    ask: tuple[Question, ...] = ()
    material: tuple[Material, ...] = ()
    eligible: tuple[Condition, ...] = ()
    compare: tuple[Comparison, ...] = ()
    pack: str = ""

    @property
    def title(self) -> Words:
        """What it is called."""
        return Words(self.zh, self.en)

    @property
    def needed(self) -> tuple[Need, ...]:
        """The needs, those written as a bare id too."""
        return tuple(Need(each) if isinstance(each, str) else each for each in self.needs)


class Declares(Protocol):
    """Whatever declares parts of the book of forms: a pack, or the forms.toml of one."""

    @property
    def elements(self) -> Sequence[Element]: ...  # noqa: D102
    @property
    def registers(self) -> Sequence[Register]: ...  # noqa: D102
    @property
    def forms(self) -> Sequence[Form]: ...  # noqa: D102


class Declared(msgspec.Struct, frozen=True):
    """What the forms.toml of a pack declares."""

    elements: tuple[Element, ...] = ()
    registers: tuple[Register, ...] = ()
    forms: tuple[Form, ...] = ()


Value = bool | int | float | str | tuple[str, ...]
"""An answer as it is kept: yes_no is a truth value, choices and files are words in order, a date is an ISO day."""


class Held(msgspec.Struct, frozen=True):
    """A value that a register holds of a subject: as of which ISO day, and where the register has it from."""

    element: str
    register: str
    value: Value
    as_of: str
    source: str
    simulated: bool = False


NOTHING_HELD: Final[Mapping[str, Held]] = {}
