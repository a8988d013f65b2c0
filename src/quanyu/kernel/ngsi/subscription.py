"""Subscriptions (5.2.12 to 5.2.15, 5.2.22): what a sender wrote → the form that is kept, and back.

The kept form is the document with stored names for types and attributes and canonical instants. A query is kept as it
was sent, with the stored names of its words: `{"text": …, "names": {word: name}}`. Members that are read-only in the
standard, and members that it does not know, are not kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from quanyu.kernel.entity import check_id
from quanyu.kernel.ngsi.context import CORE, Context
from quanyu.kernel.ngsi.geo import parse_geo
from quanyu.kernel.ngsi.instants import canonical
from quanyu.kernel.ngsi.members import NULL
from quanyu.kernel.ngsi.pattern import compile_pattern
from quanyu.kernel.ngsi.projection import parse_projection
from quanyu.kernel.ngsi.q import Q, parse_q
from quanyu.kernel.ngsi.reading import read_name
from quanyu.kernel.ngsi.scope import parse_scope_q
from quanyu.kernel.ngsi.selection import parse_types
from quanyu.kernel.ngsi.subscription_member import (
    Reader,
    fault,
    list_of,
    number_to,
    one_of,
    read_address,
    read_flag,
    read_list,
    read_pairs,
    read_text,
)
from quanyu.kernel.ngsi.writing import FORMATS

Subscription = dict[str, Any]
TYPE: Final = "Subscription"
TRIGGERS: Final = (
    "entityCreated", "entityUpdated", "entityDeleted", "attributeCreated", "attributeUpdated", "attributeDeleted",
)  # fmt: skip
TRIGGERS_DEFAULT: Final = ("attributeCreated", "attributeUpdated")
ACCEPTED: Final = ("application/json", "application/ld+json", "application/geo+json")
JOINS: Final = ("flat", "inline", "@none")
JOIN_LEVEL_MAX: Final = 5
SECONDS_MAX: Final = 366 * 86_400

_PERCENT: Final = re.compile(r"(?:%[0-9A-Fa-f]{2})+", re.ASCII)


def read_subscription(document: Mapping[str, Any], context: Context) -> Subscription:
    """NGSI-LD 5.2.12: return a whole subscription in the form that is kept; it may lack an id."""
    made = {member: value for member, value in _members(document, _READERS, "", context).items() if value is not None}
    if "type" not in made:
        raise fault("A subscription has no type.", "type", f"Write {TYPE}.")
    check_subscription(made)
    return made


def read_subscription_fragment(document: Mapping[str, Any], context: Context) -> Subscription:
    """NGSI-LD 5.8.2: return the members of an update; None stands for one to be removed."""
    made = _members(document, _READERS, "", context)
    for member in ("type", "id", "notification"):
        if member in made and made[member] is None:
            raise fault(f"{member} cannot be removed.", member, "Send its new value, or leave it out.")
    return made


def check_subscription(made: Subscription) -> None:
    """Refuse what no single member tells: what is missing and what excludes another."""
    if "notification" not in made:
        raise fault("A subscription has no notification.", "notification", "Say whom to notify.")
    if "entities" not in made and "watchedAttributes" not in made:
        raise fault("It watches nothing.", "entities", "Give entities or watchedAttributes.")
    if "timeInterval" in made:
        if "entities" not in made:
            raise fault("A periodic subscription names no entities.", "entities", "Give entities.")
        for member in ("throttling", "watchedAttributes"):
            if member in made:
                raise fault(f"{member} excludes timeInterval.", member, "Give one of them.")


def write_subscription(kept: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Return a subscription in the words of a context."""
    made = dict(kept)
    if "entities" in made:
        made["entities"] = [_selector_out(each, context) for each in made["entities"]]
    if "watchedAttributes" in made:
        made["watchedAttributes"] = [context.word(name) for name in made["watchedAttributes"]]
    for member in ("q", "csf"):
        if member in made:
            made[member] = query_of(made[member]).text(context)
    if "geoproperty" in made.get("geoQ", ()):
        made["geoQ"] = {**made["geoQ"], "geoproperty": context.word(made["geoQ"]["geoproperty"])}
    notification = dict(made["notification"])
    for member in ("attributes", "pick", "omit"):
        if member in notification:
            notification[member] = [_term_out(term, context) for term in notification[member]]
    made["notification"] = notification
    return made


def query_of(kept: Mapping[str, Any]) -> Q:
    """Return a query as it is kept."""
    return _query_of(kept["text"], tuple(kept["names"].items()))


@lru_cache(maxsize=2_048)
def _query_of(text: str, names: tuple[tuple[str, str], ...]) -> Q:
    return parse_q(text, _Glossary(CORE, dict(names)))


class _Glossary(Context):
    """The few words of a context that a query uses: those it finds are noted, those that were noted it knows."""

    def __init__(self, context: Context, names: dict[str, str]) -> None:
        self.names = names
        self._context = context
        self.name = self._named
        self.word, self.type_word, self.core = context.word, context.type_word, context.core

    def _named(self, word: str) -> str:
        found = self.names.get(word)
        return found if found is not None else self.names.setdefault(word, self._context.name(word))


def _selector_out(selector: Mapping[str, Any], context: Context) -> dict[str, Any]:
    made = dict(selector)
    if "type" in made:
        made["type"] = parse_types(made["type"], CORE).text(context)
    return made


def _term_out(term: str, context: Context) -> str:
    """Write a term of a projection: names outside of braces and within, in the words of the context."""
    name, brace, inner = term.partition("{")
    word = name if name in _HEAD else context.word(name)
    if not brace:
        return word
    return word + "{" + ",".join(_term_out(each, context) for each in _split(inner[:-1])) + "}"


def _split(text: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for place, letter in enumerate(text):
        depth += (letter == "{") - (letter == "}")
        if letter == "," and not depth:
            parts.append(text[start:place])
            start = place + 1
    return [*parts, text[start:]]


def _members(
    document: Mapping[str, Any], readers: Mapping[str, Reader], where: str, context: Context
) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for member, value in document.items():
        read = readers.get(member)
        if read is not None:
            at = f"{where}.{member}" if where else member
            made[member] = None if value is None or value == NULL else read(value, at, context)
    return made


def _object(value: Any, readers: Mapping[str, Reader], where: str, context: Context) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise fault(f"{where} is no object.", where, f"Send an object of {', '.join(sorted(readers))}.")
    return {member: each for member, each in _members(value, readers, where, context).items() if each is not None}


# -- one reader for each member ------------------------------------------------------------------------------------------


def _id(value: Any, where: str, context: Context) -> str:
    return check_id(value, where)


def _type(value: Any, where: str, context: Context) -> str:
    if value != TYPE:
        raise fault(f"Type {str(value)[:80]!r} is not {TYPE}.", where, f"Write {TYPE}.")
    return TYPE


def _name(value: Any, where: str, context: Context) -> str:
    return read_name(read_text(value, where, context), context, where)


def _member_name(value: Any, where: str, context: Context) -> str:
    """Read an attribute's name; id and type stand in every notification anyway, so naming them does no harm."""
    text = read_text(value, where, context)
    return text if text in _HEAD else read_name(text, context, where)


def _dataset(value: Any, where: str, context: Context) -> str:
    return "@none" if value == "@none" else check_id(value, where)


def _instant(value: Any, where: str, context: Context) -> str:
    return canonical(value, where)


def _query(value: Any, where: str, context: Context) -> dict[str, Any]:
    """Read a query; one that was written for a URL is percent-encoded (4.9)."""
    text = _decoded(read_text(value, where, context))
    words = _Glossary(context, {})
    parse_q(text, words)
    return {"text": text, "names": {word: name for word, name in words.names.items() if word != name}}


def _decoded(text: str) -> str:
    return _PERCENT.sub(lambda found: bytes.fromhex(found[0].replace("%", "")).decode(errors="replace"), text)


def _scope_q(value: Any, where: str, context: Context) -> str:
    return parse_scope_q(read_text(value, where, context)).text()


def _geo_q(value: Any, where: str, context: Context) -> dict[str, Any]:
    """Read a GeoQuery (5.2.13)."""
    if not isinstance(value, dict):
        raise fault(f"{where} is no object.", where, "Give georel, geometry and coordinates.")
    for member in ("georel", "geometry", "coordinates"):
        if value.get(member) is None:
            raise fault(f"{where} has no {member}.", f"{where}.{member}", "Give georel, geometry and coordinates.")
    relation = _decoded(read_text(value["georel"], f"{where}.georel", context))
    property_ = value.get("geoproperty")
    name = None if property_ is None else read_text(property_, f"{where}.geoproperty", context)
    query = parse_geo(
        relation, read_text(value["geometry"], f"{where}.geometry", context), value["coordinates"], name, context
    )
    made = {"georel": relation, "geometry": value["geometry"], "coordinates": value["coordinates"]}
    return made if name is None else {**made, "geoproperty": query.attribute}


def _selector(value: Any, where: str, context: Context) -> dict[str, Any]:
    """Read an EntitySelector (5.2.33)."""
    made = _object(value, _SELECTOR, where, context)
    if "type" not in made:
        raise fault("It names no entity type.", f"{where}.type", "Name the types, or * for all.")
    return made


def _types(value: Any, where: str, context: Context) -> str:
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        value = ",".join(value)
    return parse_types(read_text(value, where, context), context).text(CORE)


def _pattern(value: Any, where: str, context: Context) -> str:
    compile_pattern(read_text(value, where, context))
    return str(value)


def _projected(value: Any, where: str, context: Context) -> list[str]:
    """Read pick or omit: names, and in braces those of linked entities, in stored names."""
    return [_kept_term(term) for term in parse_projection(read_list(value, where), context, where)]


def _kept_term(term: Any) -> str:
    if isinstance(term, str):
        return term
    name, inner = term
    return f"{name}{{{','.join(_kept_term(each) for each in inner)}}}"


def _notification(value: Any, where: str, context: Context) -> dict[str, Any]:
    """Read NotificationParams (5.2.14)."""
    made = _object(value, _NOTIFICATION, where, context)
    if "endpoint" not in made:
        raise fault(f"{where} has no endpoint.", f"{where}.endpoint", "Say whom to notify.")
    if "attributes" in made and ("pick" in made or "omit" in made):
        raise fault("attributes excludes pick and omit.", f"{where}.attributes", "Give attributes, or pick and omit.")
    both = set(made.get("pick", ())) & set(made.get("omit", ()))
    if both:
        raise fault(f"{sorted(both)[0]} is both picked and omitted.", f"{where}.omit", "Name it in one of them.")
    if made.get("showChanges") and FORMATS[made.get("format", "normalized")] == "simplified":
        raise fault("Simplified entities show no changes.", f"{where}.showChanges", "Use the format normalized.")
    if "joinLevel" in made and made.get("join", "@none") == "@none":
        raise fault("joinLevel needs join.", f"{where}.joinLevel", "Give join flat or inline.")
    return made


def _endpoint(value: Any, where: str, context: Context) -> dict[str, Any]:
    """Read an Endpoint (5.2.15)."""
    made = _object(value, _ENDPOINT, where, context)
    if "uri" not in made:
        raise fault(f"{where} has no uri.", f"{where}.uri", "Say whom to notify.")
    return made


def _level(value: Any, where: str, context: Context) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= JOIN_LEVEL_MAX:
        raise fault(f"{where} is no whole number of 1 to {JOIN_LEVEL_MAX}.", where, "Write for example 1.")
    return value


def _context_uri(value: Any, where: str, context: Context) -> str:
    text = read_text(value, where, context)
    if not text.startswith(("http://", "https://")):
        raise fault(f"{text[:80]!r} is no URL of a @context.", where, "Write an http:// or https:// URL.")
    return text


_HEAD: Final = frozenset({"id", "type", "scope", "createdAt", "modifiedAt", "expiresAt", "deletedAt"})
_SELECTOR: Final[Mapping[str, Reader]] = {"id": _id, "idPattern": _pattern, "type": _types}
_ENDPOINT: Final[Mapping[str, Reader]] = {
    "uri": read_address,
    "accept": one_of(*ACCEPTED),
    "timeout": number_to(3_600_000),
    "cooldown": number_to(86_400_000),
    "receiverInfo": read_pairs,
    "notifierInfo": read_pairs,
}
_NOTIFICATION: Final[Mapping[str, Reader]] = {
    "attributes": list_of(_member_name),
    "pick": _projected,
    "omit": _projected,
    "format": one_of(*FORMATS),
    "endpoint": _endpoint,
    "sysAttrs": read_flag,
    "showChanges": read_flag,
    "join": one_of(*JOINS),
    "joinLevel": _level,
}
_READERS: Final[Mapping[str, Reader]] = {
    "id": _id,
    "type": _type,
    "subscriptionName": read_text,
    "description": read_text,
    "entities": list_of(_selector),
    "watchedAttributes": list_of(_name),
    "notificationTrigger": list_of(one_of(*TRIGGERS)),
    "timeInterval": number_to(SECONDS_MAX),
    "throttling": number_to(SECONDS_MAX),
    "q": _query,
    "geoQ": _geo_q,
    "scopeQ": _scope_q,
    "csf": _query,
    "isActive": read_flag,
    "expiresAt": _instant,
    "lang": read_text,
    "datasetId": list_of(_dataset),
    "jsonldContext": _context_uri,
    "notification": _notification,
}
