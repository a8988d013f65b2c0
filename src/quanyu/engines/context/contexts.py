"""Contexts that are kept: those that people publish here (Hosted) and those that a request implied (ImplicitlyCreated).

Contexts that were downloaded (Cached) are no facts of the city: they lie in files beside the store and may go at any time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from hashlib import sha256
from typing import Any, Literal, Protocol

import msgspec

from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.journal import Command, Desk, Fact, Instant, Kind, Record, State, Table
from quanyu.kernel.ngsi.context import resolve, urls_named

DOCUMENT_BYTES_MAX = 1_000_000
NUMBER_MAX = 10_000
CONTEXTS = Table("jsonld_context", ("id TEXT", "kind TEXT", "document TEXT", "created INTEGER"))
TOTAL = Table("jsonld_context_total", ("name TEXT", "number INTEGER"))

ContextKind = Literal["Cached", "Hosted", "ImplicitlyCreated"]
KEPT: tuple[ContextKind, ...] = ("Hosted", "ImplicitlyCreated")


class Held(msgspec.Struct, frozen=True):
    """A context that is kept here; `document` is JSON text, an object with "@context"."""

    id: str
    kind: ContextKind
    document: str
    created: Instant


class ContextsStore(Protocol):
    """What the view asks a store."""

    def find(self, id: str) -> Held | None:
        """Return a kept context."""
        ...

    def held(self) -> list[tuple[str, ContextKind, Instant]]:
        """Return id, kind and instant of all kept contexts, oldest first."""
        ...


class ContextsEngine:
    """Owner of published and implied contexts; there are at most NUMBER_MAX of them.

    `context.add` {document, kind}: a Hosted one gets a new id, an implied one has the id of its content and is kept once.
    """

    name = "contexts"
    commands: Collection[str] = ("context.add", "context.remove")
    kinds: Collection[Kind] = (Kind("context.added"), Kind("context.removed"))
    tables: Collection[Table] = (CONTEXTS, TOTAL)

    def decide(self, command: Command, desk: Desk) -> Iterable[Fact]:
        """Judge a command."""
        if command.kind == "context.remove":
            if desk.state.get(CONTEXTS, command.subject) is None:
                raise missing(command.subject)
            return [Fact("context.removed", command.subject, {})]
        kind = command.body.get("kind", "Hosted")
        if kind not in KEPT:
            raise Invalid(
                f"A context cannot be added as {kind!r:.60}.",
                code="context.kind",
                where="kind",
                remedy=f"Use {' or '.join(KEPT)}.",
            )
        text = checked_text(command.body.get("document"))
        id_ = implied_id(text) if kind == "ImplicitlyCreated" else f"{desk.chance.getrandbits(128):032x}"
        if desk.state.get(CONTEXTS, id_) is not None:
            return []
        total = desk.state.get(TOTAL, "kept")
        if total is not None and total[1] >= NUMBER_MAX:
            raise Invalid(
                f"There are {total[1]} contexts already.",
                code="context.full",
                remedy="Remove those that nobody uses.",
            )
        return [Fact("context.added", id_, {"kind": kind, "document": text})]

    def evolve(self, record: Record, state: State) -> None:
        """Fold a record into the table of contexts."""
        total = state.get(TOTAL, "kept")
        number = 0 if total is None else total[1]
        if record.kind == "context.added" and record.body is not None:
            state.put(CONTEXTS, (record.subject, record.body["kind"], record.body["document"], record.at))
            state.put(TOTAL, ("kept", number + 1))
        elif record.kind == "context.removed":
            state.delete(CONTEXTS, record.subject)
            state.put(TOTAL, ("kept", number - 1))


class ContextsView:
    """The read side: kept contexts by id."""

    def __init__(self, store: ContextsStore) -> None:
        self._store = store

    def find(self, id: str) -> Held | None:
        """Return a kept context, None when there is none."""
        return self._store.find(id)

    def held(self) -> list[tuple[str, ContextKind, Instant]]:
        """Return id, kind and instant of all kept contexts, oldest first."""
        return self._store.held()


def checked_text(document: Any) -> str:
    """Return a document as the text that is kept: its "@context" alone; Invalid for what cannot be a context.

    Only shape, size and URLs are judged, since the writer waits for it; `check_terms` looks at the rest.
    """
    if not isinstance(document, dict) or "@context" not in document:
        raise Invalid(
            'The document holds no "@context".',
            code="context.absent",
            where="@context",
            remedy='Send {"@context": …}.',
        )
    source = document["@context"]
    text = msgspec.json.encode({"@context": source}).decode()
    if len(text) > DOCUMENT_BYTES_MAX:
        raise Invalid(
            f"The context holds {len(text)} characters; {DOCUMENT_BYTES_MAX} are the most.",
            code="context.too_large",
            where="@context",
            remedy="Publish it in parts.",
        )
    urls_named(source)
    return text


def check_terms(document: Any) -> None:
    """Refuse a document whose terms cannot be read (Invalid `context.…`); a large one takes a quarter of a second.

    Contexts that it names are not fetched, and terms beside them may lean on them: these are judged when it is used.
    """
    source = msgspec.json.decode(checked_text(document))["@context"]
    if not urls_named(source):
        resolve(source, _nothing)


def _nothing(url: str) -> Any:
    raise AssertionError(f"{url} is named by nobody")


def implied_id(text: str) -> str:
    """Return the id of an implied context: the same content has the same id."""
    return f"implied-{sha256(text.encode()).hexdigest()[:32]}"


def missing(id: str) -> Missing:
    """Return the error for a context that is not here."""
    return Missing(
        f"Context {id[:200]} does not exist.",
        code="context.missing",
        where="contextId",
        remedy="List the contexts with GET /ngsi-ld/v1/jsonldContexts.",
    )
