"""One answer: read by kind and check into the value that is kept, or refused in words that its giver understands."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from math import isfinite
from typing import Any, Final

import msgspec

from quanyu.kernel.errors import Invalid
from quanyu.kernel.form.words import FILES_MAX, LENGTH_MAX, Choice, Kind, Value, Words
from quanyu.kernel.identifier import (
    check_mod_37_36,
    parse_citizen_id,
    parse_component_code,
    parse_credit_code,
    parse_division_code,
)

NUMBER_MAX: Final = 1e15
YEARS: Final = (1850, 2199)
"""Years in which a date of a person, a firm or a house can lie; anything else is a slip of the hand."""
_YES: Final = frozenset(("yes", "true", "1", "是", "有", "y"))
_NO: Final = frozenset(("no", "false", "0", "否", "无", "n"))
_NUMBER: Final = re.compile(r"[+-]?(\d{1,15}|\d{1,3}(,\d{3}){1,4})(\.\d{1,9})?")
_DATE: Final = re.compile(r"(\d{4})(?:-|/|\.|年)(\d{1,2})(?:-|/|\.|月)(\d{1,2})日?")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_TELEPHONE: Final = re.compile(r"\+?[0-9](?:[ ()-]{0,2}[0-9]){4,19}")
_POINT: Final = re.compile(
    r"(?:(?P<text>.+?) )?@ (?P<lon>-?\d{1,3}(?:\.\d{1,7})?),(?P<lat>-?\d{1,2}(?:\.\d{1,7})?)", re.DOTALL
)


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with an answer, said to whoever gave it."""

    code: str
    zh: str
    en: str

    @property
    def words(self) -> Words:
        """The text in both languages."""
        return Words(self.zh, self.en)


class Asked(msgspec.Struct, frozen=True):
    """What an answer must be, wherever that was declared."""

    kind: Kind
    check: str | None = None
    choices: tuple[Choice, ...] = ()
    least: float | None = None
    most: float | None = None
    length_max: int = LENGTH_MAX
    files_max: int = 1


class Check(msgspec.Struct, frozen=True):
    """A named check: `read` returns the text as it is kept or raises Invalid with `position` in its details."""

    zh: str
    en: str
    read: Callable[[str], str]


def _code(parse: Callable[[str], object]) -> Callable[[str], str]:
    def read(text: str) -> str:
        bare = text.replace(" ", "").upper()
        parse(bare)
        return bare

    return read


def _telephone(text: str) -> str:
    if _TELEPHONE.fullmatch(text) is None:
        raise Invalid("telephone number holds something else than 5 to 20 digits", code="form.telephone")
    return text


CHECKS: Final[Mapping[str, Check]] = {
    "citizen_id": Check("公民身份号码", "Citizen number", _code(parse_citizen_id)),
    "component_code": Check("城市部件代码", "Component code", _code(parse_component_code)),
    "credit_code": Check("统一社会信用代码", "Unified social credit code", _code(parse_credit_code)),
    "division_code": Check("行政区划代码", "Division code", _code(parse_division_code)),
    "mod_37_36": Check("带校验位的编码", "Code with a check character", _code(check_mod_37_36)),
    "telephone": Check("电话号码", "Telephone number", _telephone),
}
"""Named checks that elements and questions may ask for."""


def read_answer(asked: Asked, given: object) -> Value | Fault | None:
    """Return the value of an answer, None for an empty one, or what is wrong with it.

    Takes what a form field sends (texts, lists of texts) and what JSON holds; a value read before reads as itself.
    """
    if isinstance(given, str):
        # The longest text that could become a value: nothing longer is looked at.
        if len(given) > max(asked.length_max, LENGTH_MAX):
            return _too_long(asked.length_max)
        given = given.strip()
    if given is None or given == "" or (isinstance(given, Sequence) and len(given) == 0):
        return None
    return _READ[asked.kind](asked, given)


def write_answer(value: Value) -> str | tuple[str, ...]:
    """Return a value as a form field shows it and sends it back; `read_answer` reads the same value from it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.9f}".rstrip("0").rstrip(".")
    return value if isinstance(value, tuple) else str(value)


def shown(value: Value, choices: Sequence[Choice], language: str) -> str:
    """Return a value in words, for a page that only shows it."""
    if isinstance(value, bool):
        return {("zh", True): "是", ("zh", False): "否", ("en", True): "Yes", ("en", False): "No"}[language, value]
    if not choices and isinstance(value, str):
        return value
    titles = {each.word: each.zh if language == "zh" else each.en for each in choices}
    if isinstance(value, tuple):
        return ("、" if language == "zh" else ", ").join(titles.get(word, word) for word in value)
    return titles.get(value, value) if isinstance(value, str) else str(write_answer(value))


def point_of(place: str) -> tuple[str, tuple[float, float] | None]:
    """Split the answer of a place into its words and its point (degrees, WGS 84), where it has one."""
    found = _POINT.fullmatch(place)
    if found is None:
        return place, None
    return found["text"] or "", (float(found["lon"]), float(found["lat"]))


def _text(asked: Asked, given: object) -> Value | Fault:
    if not isinstance(given, str):
        return _not_read()
    text = given.replace("\r\n", "\n")
    # What prints holds none of these signs: most texts are not looked through sign by sign.
    if not text.isprintable() and any(
        unicodedata.category(sign) in ("Cc", "Cs", "Co") and sign not in "\n\t" for sign in text
    ):
        return Fault(
            "form.signs", "含有无法识别的字符，请重新输入。", "Holds characters that are not text. Type it again."
        )
    if len(text) > asked.length_max:
        return _too_long(asked.length_max)
    return _checked(asked, text)


def _identifier(asked: Asked, given: object) -> Value | Fault:
    if not isinstance(given, str):
        return _not_read()
    return _text(asked, unicodedata.normalize("NFKC", given).strip())


def _checked(asked: Asked, text: str) -> str | Fault:
    if asked.check is None:
        return text
    check = CHECKS[asked.check]
    try:
        return check.read(unicodedata.normalize("NFKC", text).strip())
    except Invalid as fault:
        position = fault.details.get("position")
        at_zh, at_en = (f"：请检查第 {position} 位", f": check character {position}") if position else ("", "")
        return Fault(fault.code, f"{check.zh}有误{at_zh}。", f"{check.en} is not right{at_en}.")


def _number(asked: Asked, given: object) -> Value | Fault:
    if isinstance(given, str):
        text = unicodedata.normalize("NFKC", given).strip()
        if _NUMBER.fullmatch(text) is None:
            return Fault("form.number", "请填写数字，例如 120 或 35.5。", "Write a number such as 120 or 35.5.")
        plain = text.replace(",", "")
        number: int | float = float(plain) if "." in plain else int(plain)
    elif isinstance(given, bool) or not isinstance(given, int | float):
        return Fault("form.number", "请填写数字，例如 120 或 35.5。", "Write a number such as 120 or 35.5.")
    else:
        number = given
    if not -NUMBER_MAX < number < NUMBER_MAX or not isfinite(number):
        return Fault("form.range", "数字过大。", "The number is too large.")
    if isinstance(number, float):
        number = int(number) if number.is_integer() else round(number, 9)
    if asked.least is not None and number < asked.least:
        return Fault("form.range", f"不能小于 {asked.least:g}。", f"It cannot be less than {asked.least:g}.")
    if asked.most is not None and number > asked.most:
        return Fault("form.range", f"不能大于 {asked.most:g}。", f"It cannot be more than {asked.most:g}.")
    return number


def _date(asked: Asked, given: object) -> Value | Fault:
    found = _DATE.fullmatch(unicodedata.normalize("NFKC", given)) if isinstance(given, str) else None
    try:
        day = date(int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        day = None
    if day is None or not YEARS[0] <= day.year <= YEARS[1]:
        return Fault("form.date", "请填写日期，例如 2026-03-01。", "Write a day such as 2026-03-01.")
    return day.isoformat()


def _yes_no(asked: Asked, given: object) -> Value | Fault:
    if isinstance(given, bool):
        return given
    word = str(given).lower() if isinstance(given, str | int) else ""
    if word in _YES or word in _NO:
        return word in _YES
    return Fault("form.yes_no", "请选择“是”或“否”。", "Choose yes or no.")


def _choice(asked: Asked, given: object) -> Value | Fault:
    if isinstance(given, str) and any(each.word == given for each in asked.choices):
        return given
    return _not_listed()


def _choices(asked: Asked, given: object) -> Value | Fault:
    words = (given,) if isinstance(given, str) else given
    if not isinstance(words, list | tuple) or len(words) > 2 * len(asked.choices):
        return _not_listed()
    known = [each.word for each in asked.choices]
    if not all(isinstance(word, str) and word in known for word in words):
        return _not_listed()
    return tuple(word for word in known if word in words)


def _place(asked: Asked, given: object) -> Value | Fault:
    if isinstance(given, Mapping):
        text, lon, lat = (given.get(name) for name in ("text", "lon", "lat"))
        degrees = all(isinstance(each, int | float) and abs(each) <= bound for each, bound in ((lon, 180), (lat, 90)))
        if not isinstance(text, str) or not (degrees or (lon is None and lat is None)):
            return _not_read()
        given = f"{text} @ {lon:.6f},{lat:.6f}".strip() if degrees else text.strip()
    read = _text(asked, given)
    if isinstance(read, str) and (point := point_of(read)[1]) and not (abs(point[0]) <= 180 and abs(point[1]) <= 90):
        return Fault("form.place", "地点的经纬度有误。", "The degrees of the place are not right.")
    return read


def _file(asked: Asked, given: object) -> Value | Fault:
    digests = tuple(given.split()) if isinstance(given, str) else given
    if isinstance(digests, list | tuple) and len(digests) > 2 * FILES_MAX:
        return _too_many(asked.files_max)
    if not isinstance(digests, list | tuple) or not all(
        isinstance(each, str) and _DIGEST.fullmatch(each) for each in digests
    ):
        return Fault("form.attachment", "附件没有上传成功，请重新上传。", "The file was not received. Upload it again.")
    names = tuple(dict.fromkeys(digests))
    if len(names) > asked.files_max:
        return _too_many(asked.files_max)
    return names


def _too_many(files_max: int) -> Fault:
    return Fault(
        "form.attachments_many", f"最多可上传 {files_max} 个文件。", f"{files_max} file(s) may be uploaded here."
    )


def _not_read() -> Fault:
    return Fault("form.answer", "这个回答无法识别，请重新填写。", "This answer cannot be read. Give it again.")


def _not_listed() -> Fault:
    return Fault("form.choice", "请从所列选项中选择。", "Choose from what is listed.")


def _too_long(length_max: int) -> Fault:
    return Fault("form.length", f"最多 {length_max} 个字符。", f"At most {length_max} characters fit.")


_READ: Final[Mapping[Kind, Callable[[Asked, Any], Value | Fault]]] = {
    "text": _text,
    "number": _number,
    "date": _date,
    "yes_no": _yes_no,
    "choice": _choice,
    "choices": _choices,
    "identifier": _identifier,
    "place": _place,
    "file": _file,
}
