"""What registrations mean for a request while nothing is forwarded to other brokers (4.3.6).

A registration says that another source holds context. Forwarding is not built, so the rule is what can be said truly:

- `local=true`, and what no registration matches: served from here, as if there were no registrations.
- A proxied source (exclusive, redirect) that takes the operation: what is asked does not stand here and may not be
  written here, so the answer is 501.
- An additive source (inclusive, auxiliary) when something is read: what stands here is true and is answered, with the
  header NGSILD-Warning for each source that was not asked (6.3.17). One entity that does not stand here may stand
  there, so retrieving it is 501 instead of 404.
- An inclusive source when something is written, and which takes that operation: it would have to be told, too; 501.
  (Sources that do not say take no writes: the default is federationOps.)

A registration for other types, ids or attributes, for other operations or for the past only breaks nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from quanyu.engines.context.registered import Registered, RegistrationsView
from quanyu.faces.http.ngsi.asked import Asked, Header, header_of
from quanyu.kernel.errors import Unsupported
from quanyu.kernel.ngsi.choice import AnyOf
from quanyu.kernel.ngsi.discovery import Interest
from quanyu.kernel.ngsi.members import HEAD
from quanyu.kernel.ngsi.operations import PROVISION
from quanyu.kernel.ngsi.selection import Types

Headers = tuple[Header, ...]
ANYTHING = Interest()
WARNINGS_MAX = 20


def concerned(asked: Asked, operation: str, interest: Interest) -> list[Registered]:
    """Return the sources that would have to be asked, none when the request keeps to what is local."""
    if alone(asked) or asked.query.flag("local"):
        return []
    registrations: RegistrationsView = asked.hub.registrations
    return registrations.concerned(operation, interest)


def check(asked: Asked, operation: str, interest: Interest) -> Headers:
    """Return the warnings that go with an answer from here; Unsupported where the truth lies elsewhere."""
    sources = concerned(asked, operation, interest)
    if not sources:
        return ()
    for each in sources:
        if each.proxied or (operation in PROVISION and each.document.get("mode", "inclusive") == "inclusive"):
            raise unbuilt(each, operation)
    return _told(asked, sources)


def warnings(asked: Asked, operation: str, interest: Interest) -> Headers:
    """Return the warnings that go with a list of what stands here, which is true whoever else has more of it."""
    return _told(asked, concerned(asked, operation, interest))


def _told(asked: Asked, sources: Sequence[Registered]) -> Headers:
    said = "was not asked: forwarding is not built"
    return tuple(
        header_of(b"ngsild-warning", f'199 {asked.hub.alias} "registration {each.id} {said}"')
        for each in sources[:WARNINGS_MAX]
    )


def check_absent(asked: Asked, operation: str, interest: Interest) -> None:
    """Refuse to say that an entity does not exist when a source that was not asked may have it."""
    for each in concerned(asked, operation, interest):
        raise unbuilt(each, operation)


def unbuilt(source: Registered, operation: str) -> Unsupported:
    """Return the error for a request that would have to be forwarded."""
    return Unsupported(
        f"Registration {source.id} would have to be sent {operation}; forwarding is not built.",
        code="forwarding.unbuilt",
        where="local",
        remedy="Accepted: local=true, which keeps to what stands here; or delete the registration.",
    )


def alone(asked: Asked) -> bool:
    """Whether no registration stands, so that all is served from here."""
    registrations: RegistrationsView | None = getattr(asked.hub, "registrations", None)
    return registrations is None or registrations.none()


def check_document(asked: Asked, operation: str, document: dict[str, Any]) -> None:
    """Raise Unsupported where an entity that is written would have to be written elsewhere too."""
    if not alone(asked):
        check(asked, operation, of_document(document))


def of_document(document: dict[str, Any]) -> Interest:
    """Return the interest of an entity that is written."""
    types = document.get("type")
    return interest(types, (document["id"],), document.keys() - HEAD)


def interest(
    types: str | Sequence[str] | None, ids: Sequence[str] | None, attributes: Iterable[str] | None
) -> Interest:
    """Return the interest in entities of types, by id, with some of their attributes; None is any."""
    chosen = None if types is None else Types(types if isinstance(types, str) else AnyOf(tuple(types)))
    return Interest(
        chosen, None if ids is None else tuple(ids), None, None if attributes is None else frozenset(attributes)
    )
