"""Readers of single members of a subscription: each returns the value as it is kept, or says where it is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.context import Context

SCHEMES: Final = ("http", "https", "mqtt", "mqtts")
TEXT_MAX: Final = 4_096
LIST_MAX: Final = 1_000
PAIRS_MAX: Final = 50
_ADDRESS: Final = re.compile(
    r"(?P<scheme>https?|mqtts?)://(?:(?P<user>[!-.0-9:;=A-Z_a-z~%]+)@)?"
    r"(?P<host>[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?(?P<path>(?:/[!-~]*|\?[!-~]*)?)",
    re.ASCII,
)
Reader = Callable[[Any, str, Context], Any]


def fault(message: str, where: str, remedy: str) -> Invalid:
    """Return the error for a member that is not as the standard says."""
    return Invalid(message, code="subscription.member", where=where, remedy=remedy)


def read_text(value: Any, where: str, context: Context) -> str:
    """Read a text of 1 to TEXT_MAX characters."""
    if not isinstance(value, str) or not 0 < len(value) <= TEXT_MAX:
        raise fault(f"{where} is no text of 1 to {TEXT_MAX} characters.", where, "Write a text.")
    return value


def read_flag(value: Any, where: str, context: Context) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise fault(f"{where} is neither true nor false.", where, "Write true or false.")
    return value


def number_to(most: float) -> Reader:
    """Return the reader of a number above 0, at most `most`."""

    def read(value: Any, where: str, context: Context) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
            raise fault(f"{where} is no number above 0.", where, f"Write a number up to {most:g}.")
        return value

    return read


def read_list(value: Any, where: str, most: int = LIST_MAX) -> list[Any]:
    """Read a list with something in it."""
    if not isinstance(value, list) or not 1 <= len(value) <= most:
        raise fault(f"{where} is no list of 1 to {most}.", where, "Send a list with something in it.")
    return value


def list_of(read: Reader) -> Reader:
    """Return the reader of a list of what a reader reads."""

    def read_items(value: Any, where: str, context: Context) -> list[Any]:
        return [read(item, f"{where}[{place}]", context) for place, item in enumerate(read_list(value, where))]

    return read_items


def one_of(*words: str) -> Reader:
    """Return the reader of one of some words."""

    def read(value: Any, where: str, context: Context) -> str:
        if value not in words:
            raise fault(f"{str(value)[:60]!r} is not known.", where, f"Use one of: {', '.join(words)}.")
        return str(value)

    return read


def read_address(value: Any, where: str, context: Context) -> str:
    """Read the URI of a receiver: http, https, mqtt or mqtts; credentials only for brokers."""
    text = read_text(value, where, context)
    parts = _ADDRESS.fullmatch(text)
    if parts is None or not 0 < int(parts["port"] or 1) < 65_536:
        raise fault(f"{text[:80]!r} is no address of a receiver.", where, f"Begin with one of {', '.join(SCHEMES)}.")
    if parts["user"] and not parts["scheme"].startswith("mqtt"):
        raise fault("The address carries a user name.", where, "Send credentials in receiverInfo.")
    if "#" in parts["path"]:
        raise fault("The address carries a fragment.", where, "Leave # and what follows out.")
    if parts["scheme"].startswith("mqtt") and not parts["path"].strip("/"):
        raise fault("The address names no MQTT topic.", where, "Write for example mqtt://host:1883/city/notices.")
    return text


def read_pair(value: Any, where: str, context: Context) -> dict[str, str]:
    """Read a KeyValuePair (5.2.22)."""
    if not isinstance(value, dict) or not all(isinstance(value.get(each), str) for each in ("key", "value")):
        raise fault(f"{where} is no pair of texts.", where, 'Write for example {"key": "Authorization", "value": "…"}.')
    key, text = value["key"], value["value"]
    if not key or any(letter in key + text for letter in "\r\n\0") or len(key) + len(text) > TEXT_MAX:
        raise fault(f"{where} cannot be a header.", where, "Leave line breaks out.")
    return {"key": key, "value": text}


def read_pairs(value: Any, where: str, context: Context) -> list[dict[str, str]]:
    """Read receiverInfo or notifierInfo: what becomes headers and options."""
    return [
        read_pair(item, f"{where}[{place}]", context) for place, item in enumerate(read_list(value, where, PAIRS_MAX))
    ]
