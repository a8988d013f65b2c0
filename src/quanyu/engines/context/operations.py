"""What the operations of NGSI-LD 5.6 on an entity that stands do to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from quanyu.engines.context.document import (
    HEAD,
    check_merged,
    checked_attribute,
    checked_attributes,
    checked_instant,
    checked_members,
)
from quanyu.engines.context.draft import Draft, refuse_system
from quanyu.engines.context.instance import bare, is_null, merged, replaced_members
from quanyu.kernel.entity import check_name
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.ngsi.members import KINDS as VALUE_OF
from quanyu.kernel.ngsi.members import NULL, Instance, instances

Body = Mapping[str, Any]


def append(draft: Draft, body: Body) -> None:
    """NGSI-LD 5.6.3: add attributes; instances that stand are overwritten only where that is allowed."""
    overwrite = bool(body.get("overwrite", True))
    for name, attribute in checked_attributes(draft.subject, _given(body, "attributes")).items():
        for instance in instances(attribute):
            if overwrite or instance.get("datasetId") not in draft.standing(name):
                draft.put(name, instance)
    _head(draft, body, "replace" if overwrite else "extend")


def update(draft: Draft, body: Body) -> None:
    """NGSI-LD 5.6.2: replace or add attributes, instance by instance; NULL removes one."""
    for name, attribute in checked_attributes(draft.subject, _given(body, "attributes"), "update").items():
        for instance in instances(attribute):
            if not is_null(instance):
                draft.put(name, bare(instance))
            elif _dataset(instance) in draft.standing(name):
                draft.drop(name, _dataset(instance))
    _head(draft, body, "existing")


def patch(draft: Draft, body: Body) -> None:
    """NGSI-LD 5.6.17: merge a fragment into the entity (5.5.12).

    `observed_at` is given to merged instances that have an instant and are sent none; `lang` names the language of
    texts sent for a LanguageProperty; `simplified` says that no kinds were sent: those that stand are kept.
    """
    fragment = _given(body, "fragment")
    at = body.get("observed_at")
    stamp = None if at is None else checked_instant(draft.subject, at, "observedAt")
    for name, attribute in checked_attributes(draft.subject, fragment, "fragment").items():
        for instance in instances(attribute):
            key = _dataset(instance)
            old = draft.standing(name).get(key)
            if is_null(instance) or instance is None:
                if old is not None:
                    draft.drop(name, key)
            elif old is None:
                draft.put(name, _still_sound(draft, name, bare(instance)))
            else:
                new = _retold(old, instance, body.get("lang"), bool(body.get("simplified")))
                if stamp is not None and "observedAt" in old and "observedAt" not in new:
                    new = {**new, "observedAt": stamp}
                draft.put(name, _still_sound(draft, name, merged(old, new)))
    _head(draft, {**fragment, **{name: body[name] for name in HEAD if name in body}}, "replace")


def partial(draft: Draft, body: Body) -> None:
    """NGSI-LD 5.6.4: overwrite members of one instance; its kind cannot change."""
    name = _attribute_name(body)
    fragment = _given(body, "fragment")
    if fragment.get("datasetId") == NULL:
        raise Invalid(
            f"The datasetId of {name} cannot be removed.", code="attribute.dataset", where=f"{name}.datasetId",
            remedy="Delete the instance and create another.",
        )  # fmt: skip
    dataset = body.get("dataset", fragment.get("datasetId"))
    old = _get_instance(draft, name, dataset)
    if fragment.get("type", old["type"]) != old["type"]:
        raise Invalid(
            f"Attribute {name} of {draft.subject} is a {old['type']}, not a {fragment['type']}.",
            code="attribute.kind",
            where=f"{name}.type",
            remedy="Replace the attribute, or delete it and create another.",
        )
    whole = {**fragment, "type": old["type"]}
    if is_null(whole):
        draft.drop(name, dataset)
        return
    clean = checked_members(draft.subject, name, whole, "update")
    if dataset is not None:
        clean["datasetId"] = dataset
    else:
        clean.pop("datasetId", None)
    draft.put(name, _still_sound(draft, name, replaced_members(old, clean)))


def put_attribute(draft: Draft, body: Body) -> None:
    """NGSI-LD 5.6.19: replace instances that stand."""
    name = _attribute_name(body)
    attribute = checked_attribute(draft.subject, name, body.get("instance"))
    for instance in instances(attribute):
        _get_instance(draft, name, instance.get("datasetId"))
        draft.put(name, instance)


def drop(draft: Draft, body: Body) -> None:
    """NGSI-LD 5.6.5: delete an instance, all instances, or the scope."""
    name = str(body.get("attribute", ""))
    if name == "scope":
        if "scope" not in draft.document:
            raise _missing(draft, name, None)
        draft.set_head("scope", None)
        return
    _attribute_name(body)
    if body.get("all"):
        if not draft.standing(name):
            raise _missing(draft, name, None)
        for key in list(draft.standing(name)):
            draft.drop(name, key)
        return
    dataset = body.get("dataset")
    _get_instance(draft, name, dataset)
    draft.drop(name, dataset)


OPERATIONS: Final[Mapping[str, Callable[[Draft, Body], None]]] = {
    "entity.append": append,
    "entity.update": update,
    "entity.patch": patch,
    "entity.partial": partial,
    "entity.put_attribute": put_attribute,
    "entity.drop": drop,
}


def _given(body: Body, member: str) -> Mapping[str, Any]:
    found = body.get(member)
    if not isinstance(found, Mapping):
        raise Invalid(f"Command has no {member}.", code="entity.shape", where=member, remedy="Give a JSON object.")
    return found


def _attribute_name(body: Body) -> str:
    name = body.get("attribute")
    if not isinstance(name, str):
        raise Invalid("Command names no attribute.", code="attribute.name", where="attribute", remedy="Name it.")
    refuse_system(name)
    return check_name(name, "attribute")


def _dataset(instance: Instance | None) -> str | None:
    return instance.get("datasetId") if isinstance(instance, dict) else None


def _get_instance(draft: Draft, name: str, dataset: str | None) -> Instance:
    found = draft.standing(name).get(dataset)
    if found is None:
        raise _missing(draft, name, dataset)
    return found


def _missing(draft: Draft, name: str, dataset: str | None) -> Missing:
    which = "" if dataset is None else f" with datasetId {dataset}"
    return Missing(
        f"Entity {draft.subject} has no attribute {name}{which}.",
        code="attribute.missing",
        where="attribute",
        remedy="Append it, or look at the entity.",
    )


def _still_sound(draft: Draft, name: str, instance: Instance) -> Instance:
    check_merged(draft.subject, name, instance)
    return instance


def _retold(old: Instance, new: Instance, lang: str | None, simplified: bool) -> Instance:
    """Return what was sent in the kind that stands, where the sender left the kind open."""
    kind: str = old["type"]
    sent: str = new.get("type", kind)
    member = VALUE_OF[sent]
    if sent == kind or member not in new or not (simplified or (kind == "LanguageProperty" and lang)):
        return new
    value = new[member]
    if kind == "LanguageProperty" and isinstance(value, str):
        if lang is None:
            return new
        value = {lang: value}
    rest = {name: each for name, each in new.items() if name not in ("type", member)}
    return {"type": kind, VALUE_OF[kind]: value, **rest}


def _head(draft: Draft, body: Body, scopes: str) -> None:
    """Take type, scope and expiresAt of a fragment; `scopes` says what becomes of a scope that stands."""
    for name, check in HEAD.items():
        value = body.get(name)
        if value is None:
            continue
        if value == NULL:
            if name == "type":
                raise Invalid(
                    f"The type of {draft.subject} cannot be removed.", code="entity.fixed", where="type",
                    remedy="Delete the entity and create another.",
                )  # fmt: skip
            draft.set_head(name, None)
            continue
        clean = check(draft.subject, value)
        if name == "type":
            draft.add_types(clean)
        elif name == "scope" and scopes == "existing" and "scope" not in draft.document:
            continue
        elif name == "scope" and scopes == "extend":
            old = instances(draft.document.get("scope", []))
            whole = list(dict.fromkeys([*old, *instances(clean)]))
            draft.set_head("scope", whole[0] if len(whole) == 1 else whole)
        else:
            draft.set_head(name, clean)
