"""Attributes of an entity: appended, updated, changed in part, replaced, deleted."""

from __future__ import annotations

from typing import Any

from quanyu.faces.http.ngsi import forwarding
from quanyu.faces.http.ngsi.asked import Answer, Asked
from quanyu.faces.http.ngsi.entities import check_type, fragment_id, standing
from quanyu.faces.http.ngsi.negotiate import PATCHED
from quanyu.faces.http.ngsi.route import NgsiRoute, words
from quanyu.kernel.entity import Checked, Document, check_id
from quanyu.kernel.journal import Command, Outcome
from quanyu.kernel.ngsi.context import iri_of
from quanyu.kernel.ngsi.members import HEAD
from quanyu.kernel.ngsi.reading import read_attribute, read_attribute_fragment, read_fragment, read_name


async def append(asked: Asked) -> Answer | None:
    """NGSI-LD 5.6.3, 6.6.3.1: add attributes; those that stand are overwritten unless `noOverwrite` says not to."""
    id, fragment = await _fragment(asked)
    forwarding.check(asked, "appendAttrs", forwarding.interest(None, (id,), fragment.keys() - HEAD))
    overwrite = "noOverwrite" not in asked.query.options
    body = {**_body(fragment), "overwrite": overwrite}
    receipt = await asked.commit([Command("entity.append", id, body)])
    return (
        None if overwrite else _result(fragment, left_alone(fragment, receipt.outcomes[0]), "it may not be overwritten")
    )


async def update(asked: Asked) -> Answer | None:
    """NGSI-LD 5.6.2, 6.6.3.2: replace or add attributes, NULL removes one; a scope only where there is one."""
    id, fragment = await _fragment(asked)
    forwarding.check(asked, "updateEntity", forwarding.interest(None, (id,), fragment.keys() - HEAD))
    found = await standing(asked, id) if "scope" in fragment else None
    body = _body(fragment)
    # As it was read, NULL included, it is what an update takes.
    body["attributes"] = Checked(body["attributes"])
    await asked.commit([Command("entity.update", id, body)])
    if found is None or "scope" in found:
        return None
    return _result(fragment, ["scope"], "the entity has none to be replaced")


async def _fragment(asked: Asked) -> tuple[str, Document]:
    id = check_id(asked.path("entityId"))
    fragment_id(asked, id)
    fragment = read_fragment(asked.body, asked.context)
    await check_type(asked, id)
    return id, fragment


def _body(fragment: Document) -> dict[str, Any]:
    head: dict[str, Any] = {name: fragment[name] for name in ("type", "scope", "expiresAt") if name in fragment}
    return {"attributes": {name: value for name, value in fragment.items() if name not in HEAD}, **head}


def left_alone(fragment: Document, outcome: Outcome) -> list[str]:
    """Return the attributes of a fragment that were not written, by what was made of the command."""
    changed: set[str] = set()
    for record in outcome.made:
        body = record.body or {}
        changed |= body.get("patch", {}).keys() | {row[1] for row in body.get("rows", ())}
    if outcome.seqs and not outcome.made:
        return []  # an answer given again under an idempotency key, which does not remember
    return [name for name in fragment if name not in HEAD and name not in changed]


def _result(fragment: Document, left: list[str], why: str) -> Answer | None:
    """Return an UpdateResult (5.2.18) when something was left; its names are IRIs, for it has no @context."""
    if not left:
        return None
    told = [{"attributeName": _iri(name), "reason": f"Not updated: {why}."} for name in left]
    updated = [_iri(name) for name in fragment if name not in left and (name == "scope" or name not in HEAD)]
    return Answer({"updated": updated, "notUpdated": told}, 207)


def _iri(name: str) -> str:
    return name if name == "scope" else iri_of(name)


def _target(asked: Asked) -> tuple[str, str]:
    id = check_id(asked.path("entityId"))
    return id, read_name(asked.path("attrId"), asked.context)


async def change(asked: Asked) -> None:
    """NGSI-LD 5.6.4, 6.7.3.1: change members of one attribute instance."""
    id, name = _target(asked)
    fragment = read_attribute_fragment(name, asked.body, asked.context)
    await check_type(asked, id)
    forwarding.check(asked, "updateAttrs", forwarding.interest(None, (id,), (name,)))
    await asked.commit([Command("entity.partial", id, {"attribute": name, "fragment": fragment})])


async def replace(asked: Asked) -> None:
    """NGSI-LD 5.6.19, 6.7.3.3: put an instance of an attribute in place of the one that stands."""
    id, name = _target(asked)
    instance = read_attribute(name, asked.body, asked.context)
    await check_type(asked, id)
    forwarding.check(asked, "replaceAttrs", forwarding.interest(None, (id,), (name,)))
    await asked.commit([Command("entity.put_attribute", id, {"attribute": name, "instance": instance})])


async def delete(asked: Asked) -> None:
    """NGSI-LD 5.6.5, 6.7.3.2: delete an attribute, one instance of it, or all."""
    id = check_id(asked.path("entityId"))
    term = asked.path("attrId")
    name = term if term == "scope" else read_name(term, asked.context)
    query = asked.query
    await check_type(asked, id)
    forwarding.check(asked, "deleteAttrs", forwarding.interest(None, (id,), (name,)))
    body: dict[str, Any] = {"attribute": name, "all": query.flag("deleteAll")}
    if "datasetId" in query and query["datasetId"] != "@none":
        body["dataset"] = check_id(query["datasetId"], "datasetId")
    await asked.commit([Command("entity.drop", id, body)])


ALL = "/entities/{entityId}/attrs"
ONE = "/entities/{entityId}/attrs/{attrId}"
PLAIN = words("type local")
ROUTES = (
    NgsiRoute(method="POST", path=ALL, permission="entity.append", handle=append, summary="Append attributes",
              body="object", parameters=PLAIN | words("options"), options=words("noOverwrite"), status=204),
    NgsiRoute(method="PATCH", path=ALL, permission="entity.update", handle=update, summary="Update attributes",
              body="object", reads=PATCHED, parameters=PLAIN, status=204),
    NgsiRoute(method="PATCH", path=ONE, permission="entity.partial", handle=change, summary="Change an attribute",
              body="object", reads=PATCHED, parameters=PLAIN, status=204),
    NgsiRoute(method="PUT", path=ONE, permission="entity.put_attribute", handle=replace, summary="Replace an attribute",
              body="any", parameters=PLAIN, status=204),
    NgsiRoute(method="DELETE", path=ONE, permission="entity.drop", handle=delete, summary="Delete an attribute",
              parameters=PLAIN | words("datasetId deleteAll"), status=204),
)  # fmt: skip
