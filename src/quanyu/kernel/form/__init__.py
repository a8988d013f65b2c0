"""Forms: what a step needs of an applicant, minus what the city holds already (fill once)."""

from quanyu.kernel.form.answers import CHECKS, Fault, point_of, read_answer, shown, write_answer
from quanyu.kernel.form.blank import Blank, Item
from quanyu.kernel.form.book import Forms
from quanyu.kernel.form.compiling import Compiled, Judged, Page, Prefilled, check_answer, check_value, compile_form
from quanyu.kernel.form.reading import parse_forms
from quanyu.kernel.form.words import (
    ANSWERS_MAX,
    FIELDS_MAX,
    NOTHING_HELD,
    Choice,
    Comparison,
    Condition,
    Declared,
    Element,
    Form,
    Held,
    Material,
    Need,
    Question,
    Register,
    Value,
    Words,
)

__all__ = [
    "ANSWERS_MAX",
    "CHECKS",
    "FIELDS_MAX",
    "NOTHING_HELD",
    "Blank",
    "Choice",
    "Comparison",
    "Compiled",
    "Condition",
    "Declared",
    "Element",
    "Fault",
    "Form",
    "Forms",
    "Held",
    "Item",
    "Judged",
    "Material",
    "Need",
    "Page",
    "Prefilled",
    "Question",
    "Register",
    "Value",
    "Words",
    "check_answer",
    "check_value",
    "compile_form",
    "parse_forms",
    "point_of",
    "read_answer",
    "shown",
    "write_answer",
]
