"""How texts are sorted (RFC 6067 tags such as `und`, `de-u-co-phonebk`, `und-u-ks-level1`): without tables.

The order is close to the root of the Unicode collation for alphabets: first the letters without marks and case, then
the marks, then the case. Languages whose alphabet differs from that are refused rather than sorted wrongly.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Any, Final

from quanyu.kernel.errors import Invalid, Unsupported

SortKey = Callable[[str], Any]

_TAG: Final = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,10}")
_LANGUAGES: Final = frozenset({"und", "root", "en", "de", "fr", "it", "nl", "pt", "zh"})
_LEVELS: Final = {"level1": 1, "level2": 2, "level3": 3, "identic": 4}
_PHONE_BOOK: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})
_EXPANDED: Final = {"ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O"}


def parse_collation(tag: str | None) -> SortKey:
    """Give the sort key of a collation; None sorts by code points.

    Raises Invalid (order.collation) for what is no tag, Unsupported for a language or setting that is not known.
    """
    if tag is None:
        return str
    if not isinstance(tag, str) or not _TAG.fullmatch(tag):
        raise Invalid(
            f"collation {tag!r:.60} is no language tag",
            code="order.collation",
            where="collation",
            remedy="write for example und or de-u-co-phonebk",
        )
    plain, _, extension = tag.lower().partition("-u-")
    settings = _settings(extension)
    language = plain.split("-")[0]
    kind = settings.pop("co", "standard")
    level = _LEVELS.get(settings.pop("ks", "level3"))
    phone_book = (language, kind) == ("de", "phonebk")
    known = kind == "standard" or phone_book or (language, kind) == ("zh", "pinyin")
    if language not in _LANGUAGES or level is None or settings or not known:
        raise Unsupported(
            f"collation {tag[:60]!r} is not supported",
            code="order.collation",
            where="collation",
            remedy=f"use one of {', '.join(sorted(_LANGUAGES))}, with -u-ks-level1 to level3 or identic, "
            "de-u-co-phonebk, or zh-u-co-pinyin",
        )
    chinese = language == "zh"
    if phone_book:
        return lambda text: _sort_key(unicodedata.normalize("NFC", text).translate(_PHONE_BOOK), level, chinese=False)
    return lambda text: _sort_key(text, level, chinese=chinese)


def _settings(extension: str) -> dict[str, str]:
    """Split `co-phonebk-ks-level1` into its keys (two signs) and values."""
    found: dict[str, str] = {}
    key = ""
    for part in extension.split("-") if extension else []:
        if len(part) == 2:
            key = part
            found[key] = ""
        else:
            found[key] = f"{found.get(key, '')}-{part}".removeprefix("-")
    return found


def _sort_key(text: str, level: int, *, chinese: bool) -> tuple[Any, ...]:
    bare: list[Any] = []
    marks: list[str] = []
    forms: list[bool] = []
    for sign in unicodedata.normalize("NFD", "".join(_EXPANDED.get(each, each) for each in text)):
        if unicodedata.combining(sign):
            marks.append(f"{len(bare):08}{sign}")
        else:
            bare.append(_weight(sign.lower(), chinese=chinese))
            forms.append(sign.isupper())
    keys = (tuple(bare), tuple(marks), (any(each in _EXPANDED for each in text), tuple(forms)), text)
    return keys[:level]


def _weight(sign: str, *, chinese: bool) -> tuple[int, Any]:
    """Signs before digits, digits before letters; the common Chinese characters by sound, as GB 2312 lists them."""
    if not sign.isalnum():
        return (0, sign)
    if sign.isnumeric() and sign.isdigit():
        return (1, sign)
    if chinese and sign >= "一":
        code = sign.encode("gb18030", "replace")
        return (3, (0, code) if len(code) == 2 and b"\xb0\xa1" <= code <= b"\xd7\xf9" else (1, code))
    return (2, sign)
