"""Context source registrations (5.2.9): what a sender wrote → the form that is kept, and back.

The kept form is the document with stored names for types, attributes and Csource properties, instants canonical; its
members stand as they were sent. Members that are read-only in the standard are not kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from quanyu.kernel.entity import check_id
from quanyu.kernel.errors import Invalid
from quanyu.kernel.geo import check_geometry
from quanyu.kernel.ngsi.instants import canonical, micros
from quanyu.kernel.ngsi.members import NULL, Words
from quanyu.kernel.ngsi.operations import GROUPS, OPERATIONS, SUPPLEMENTARY
from quanyu.kernel.ngsi.pattern import compile_pattern
from quanyu.kernel.ngsi.reading import read_name
from quanyu.kernel.ngsi.reading_head import read_scopes, read_types

Registration = dict[str, Any]
TYPE: Final = "ContextSourceRegistration"
MODES: Final = ("inclusive", "exclusive", "redirect", "auxiliary")
PROXIED: Final = frozenset({"exclusive", "redirect"})
MANDATORY: Final = ("information", "endpoint")
READ_ONLY: Final = frozenset(
    {"status", "timesSent", "timesFailed", "lastSuccess", "lastFailure", "createdAt", "modifiedAt", "@context"}
)
INFORMATION_MAX: Final = 1_000
NAMES_MAX: Final = 1_000
TEXT_MAX: Final = 4_096
PROPERTIES_MAX: Final = 200
_DURATION: Final = re.compile(
    r"P(?=\d|T\d)(?:\d+Y)?(?:\d+M)?(?:\d+W)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?", re.ASCII
)
_ALIAS: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z:\[\]-]+", re.ASCII)
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+", re.ASCII)
_CONFORMANCE: Final = re.compile(r"\d+\.\d+", re.ASCII)

Reader = Callable[[Any, str, Words], Any]


def read_registration(document: Mapping[str, Any], context: Words) -> Registration:
    """NGSI-LD 5.2.9: return a whole registration in the form that is kept; it may lack an id."""
    made = _members(document, context)
    for member, value in made.items():
        if value is None:
            raise _fault(f"{member} is null.", member, "Leave it out.")
    if "type" not in made:
        raise _fault("A registration has no type.", "type", f"Write {TYPE}.")
    check_registration(made)
    return made


def read_registration_fragment(document: Mapping[str, Any], context: Words) -> Registration:
    """NGSI-LD 5.9.3: return the members of an update; None stands for one to be removed."""
    made = _members(document, context)
    for member in (*MANDATORY, "type"):
        if member in made and made[member] is None:
            raise _fault(f"{member} cannot be removed.", member, "Send its new value, or leave it out.")
    return made


def check_registration(made: Registration) -> None:
    """Refuse what no single member tells: what is missing, and what its mode does not allow (4.3.6, 5.9.2.4)."""
    for member in MANDATORY:
        if member not in made:
            raise _fault(f"A registration has no {member}.", member, f"Give its {member}.")
    mode = made.get("mode", "inclusive")
    if mode == "auxiliary" and not SUPPLEMENTARY.issuperset(made.get("operations", ("federationOps",))):
        raise _fault("An auxiliary source may only be read.", "operations", f"Use {', '.join(sorted(SUPPLEMENTARY))}.")
    if mode == "exclusive":
        for place, info in enumerate(made["information"]):
            named = "propertyNames" in info or "relationshipNames" in info
            if not named or not all("id" in each for each in info.get("entities", ({},))):
                raise _fault(
                    "An exclusive registration names entities by id, and their attributes.",
                    f"information[{place}]",
                    "Give entities with ids, and propertyNames or relationshipNames; or use the mode redirect.",
                )


def write_registration(kept: Mapping[str, Any], context: Words) -> dict[str, Any]:
    """Return a registration in the words of a context."""
    made: dict[str, Any] = {}
    for member, value in kept.items():
        if member == "information":
            made[member] = [_information_out(info, context) for info in value]
        elif member in _READERS:
            made[member] = value
        else:
            made[context.word(member)] = value
    return made


def _information_out(info: Mapping[str, Any], context: Words) -> dict[str, Any]:
    made = dict(info)
    if "entities" in made:
        made["entities"] = [{**each, "type": _types_out(each["type"], context)} for each in made["entities"]]
    for member in ("propertyNames", "relationshipNames"):
        if member in made:
            made[member] = [context.word(name) for name in made[member]]
    return made


def _types_out(types: str | list[str], context: Words) -> str | list[str]:
    return [context.type_word(each) for each in types] if isinstance(types, list) else context.type_word(types)


def _members(document: Mapping[str, Any], context: Words) -> Registration:
    made: Registration = {}
    properties = 0
    for member, value in document.items():
        if member in READ_ONLY:
            continue
        read = _READERS.get(member)
        properties += read is None
        if properties > PROPERTIES_MAX:
            raise _fault(f"It has more than {PROPERTIES_MAX} properties.", "$", "Describe the source in fewer.")
        if value is None or value == NULL:
            if member in ("id", "type"):
                raise _fault(f"{member} is null.", member, "Leave it out.")
            made[member if read else read_name(member, context, member)] = None
        elif read is not None:
            made[member] = read(value, member, context)
        else:
            made[read_name(member, context, member)] = value
    return made


def _fault(message: str, where: str, remedy: str) -> Invalid:
    return Invalid(message, code="registration.member", where=where, remedy=remedy)


# -- one reader for each member ------------------------------------------------------------------------------------------


def _id(value: Any, where: str, context: Words) -> str:
    return check_id(value, where)


def _type(value: Any, where: str, context: Words) -> str:
    if value != TYPE:
        raise _fault(f"Type {str(value)[:80]!r} is not {TYPE}.", where, f"Write {TYPE}.")
    return TYPE


def _text(value: Any, where: str, context: Words) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= TEXT_MAX:
        raise _fault(f"{where} is no text of 1 to {TEXT_MAX} characters.", where, "Write a text.")
    return value


def _uri(value: Any, where: str, context: Words) -> str:
    if not isinstance(value, str) or len(value) > TEXT_MAX or not _URI.fullmatch(value):
        raise _fault(f"{where} is no URI.", where, "Write for example http://source.example.org:1026.")
    return value


def _list(value: Any, where: str, most: int) -> list[Any]:
    if not isinstance(value, list) or not 1 <= len(value) <= most:
        raise _fault(f"{where} is no list of 1 to {most}.", where, "Send a list with something in it.")
    return value


def _object(value: Any, where: str, known: frozenset[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _fault(f"{where} is no object.", where, f"Send an object of {', '.join(sorted(known))}.")
    for member in value.keys() - known:
        raise _fault(f"{member[:80]!r} is not known.", f"{where}.{member[:80]}", f"Use {', '.join(sorted(known))}.")
    return value


_INFO: Final = frozenset({"entities", "propertyNames", "relationshipNames"})
_ENTITY: Final = frozenset({"id", "idPattern", "type"})


def _information(value: Any, where: str, context: Words) -> list[dict[str, Any]]:
    return [
        _info(info, f"{where}[{place}]", context) for place, info in enumerate(_list(value, where, INFORMATION_MAX))
    ]


def _info(value: Any, where: str, context: Words) -> dict[str, Any]:
    given = _object(value, where, _INFO)
    if not given:
        raise _fault("It registers nothing.", where, "Give entities, propertyNames or relationshipNames.")
    made: dict[str, Any] = {}
    for member, inner in given.items():
        items = _list(inner, f"{where}.{member}", NAMES_MAX)
        places = [(item, f"{where}.{member}[{place}]") for place, item in enumerate(items)]
        if member == "entities":
            made[member] = [_entity(item, at, context) for item, at in places]
        else:
            made[member] = [read_name(_text(item, at, context), context, at) for item, at in places]
    return made


def _entity(value: Any, where: str, context: Words) -> dict[str, Any]:
    given = _object(value, where, _ENTITY)
    if "type" not in given:
        raise _fault("It names no entity type.", f"{where}.type", "Name the type; ids alone cannot be registered.")
    made: dict[str, Any] = {}
    if "id" in given:
        made["id"] = check_id(given["id"], f"{where}.id")
    if "idPattern" in given:
        made["idPattern"] = _text(given["idPattern"], f"{where}.idPattern", context)
        compile_pattern(made["idPattern"])
    made["type"] = read_types(given["type"], context, f"{where}.type")
    return made


def _mode(value: Any, where: str, context: Words) -> str:
    if value not in MODES:
        raise _fault(f"Mode {str(value)[:40]!r} is not known.", where, f"Use one of: {', '.join(MODES)}.")
    return str(value)


def _operations(value: Any, where: str, context: Words) -> list[str]:
    names = _list(value, where, len(OPERATIONS) + len(GROUPS))
    for place, name in enumerate(names):
        if not isinstance(name, str) or (name not in OPERATIONS and name not in GROUPS):
            raise _fault(
                f"Operation {str(name)[:40]!r} is not known.",
                f"{where}[{place}]",
                f"Use the names of operations, or groups: {', '.join(GROUPS)}.",
            )
    return names


def _instant(value: Any, where: str, context: Words) -> str:
    return canonical(value, where)


def _interval(value: Any, where: str, context: Words) -> dict[str, str]:
    given = _object(value, where, frozenset({"startAt", "endAt"}))
    if "startAt" not in given:
        raise _fault("The interval has no start.", f"{where}.startAt", "Give startAt.")
    made = {member: canonical(each, f"{where}.{member}") for member, each in given.items()}
    if "endAt" in made and micros(made["endAt"]) < micros(made["startAt"]):
        raise _fault("The interval ends before it starts.", f"{where}.endAt", "Give an end after the start.")
    return made


def _geometry(value: Any, where: str, context: Words) -> dict[str, Any]:
    check_geometry(value, where=where)
    return dict(value)


def _duration(value: Any, where: str, context: Words) -> str:
    if not isinstance(value, str) or len(value) > 60 or not _DURATION.fullmatch(value):
        raise _fault(f"{where} is no duration.", where, "Write for example PT5M.")
    return value


def _alias(value: Any, where: str, context: Words) -> str:
    if not isinstance(value, str) or len(value) > TEXT_MAX or not _ALIAS.fullmatch(value):
        raise _fault(f"{where} is no pseudonym.", where, "Write a word without spaces.")
    return value


def _datasets(value: Any, where: str, context: Words) -> list[str]:
    return [
        item if item == "@none" else check_id(item, f"{where}[{place}]")
        for place, item in enumerate(_list(value, where, NAMES_MAX))
    ]


def _scopes(value: Any, where: str, context: Words) -> str | list[str]:
    return read_scopes(value, where)


def _pairs(value: Any, where: str, context: Words) -> list[dict[str, str]]:
    """Read contextSourceInfo; four of its keys have a meaning of their own (4.3.6.6)."""
    made = []
    for place, item in enumerate(_list(value, where, NAMES_MAX)):
        at = f"{where}[{place}]"
        pair = _object(item, at, frozenset({"key", "value"}))
        key, text = _text(pair.get("key"), f"{at}.key", context), _text(pair.get("value"), f"{at}.value", context)
        fits = {
            "accept": text in ("application/json", "application/ld+json"),
            "contentType": text in ("application/json", "application/ld+json"),
            "jsonldContext": _URI.fullmatch(text) is not None,
            "ngsildConformance": _CONFORMANCE.fullmatch(text) is not None,
        }.get(key, True)
        if not fits:
            raise _fault(f"{text[:80]!r} is no value of {key}.", f"{at}.value", "See clause 4.3.6.6.")
        made.append({"key": key, "value": text})
    return made


def _management(value: Any, where: str, context: Words) -> dict[str, Any]:
    given = _object(value, where, frozenset({"cacheDuration", "cooldown", "localOnly", "timeout"}))
    for member, inner in given.items():
        at = f"{where}.{member}"
        if member == "cacheDuration":
            _duration(inner, at, context)
        elif member == "localOnly":
            if not isinstance(inner, bool):
                raise _fault(f"{member} is neither true nor false.", at, "Write true or false.")
        elif isinstance(inner, bool) or not isinstance(inner, int | float) or not 0 < inner < 1e12:
            raise _fault(f"{member} is no number of milliseconds above 0.", at, "Write for example 5000.")
    return dict(given)


_READERS: Final[Mapping[str, Reader]] = {
    "id": _id,
    "type": _type,
    "registrationName": _text,
    "description": _text,
    "information": _information,
    "endpoint": _uri,
    "tenant": _text,
    "mode": _mode,
    "operations": _operations,
    "expiresAt": _instant,
    "observationInterval": _interval,
    "managementInterval": _interval,
    "location": _geometry,
    "observationSpace": _geometry,
    "operationSpace": _geometry,
    "refreshRate": _duration,
    "contextSourceAlias": _alias,
    "contextSourceInfo": _pairs,
    "datasetId": _datasets,
    "scope": _scopes,
    "management": _management,
}
MEMBERS: Final = frozenset(_READERS)
"""Members that have a meaning of their own; any other is a Csource property."""
