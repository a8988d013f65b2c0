"""Warnings over HTTP: written by one, approved by another, published; and what terminals answered."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

import msgspec

from quanyu.engines.warnings.deciding import unknown_word
from quanyu.faces.http.city import Formatted
from quanyu.faces.http.route import Ask, Route
from quanyu.faces.http.shown import Listing
from quanyu.faces.http.staff import names_of
from quanyu.kernel.errors import Invalid
from quanyu.kernel.time import parse_instant
from quanyu.kernel.view import EVERYTHING
from quanyu.kernel.warning import COLOURS, Draft, Target, Texts

RECEIPTS_MAX = 100_000
TERMINALS_MAX = 20_000
PLACES_MAX = 10_000
Limit = Annotated[int, msgspec.Meta(ge=1, le=500)]
Note = Annotated[str, msgspec.Meta(max_length=2000)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Word = Annotated[str, msgspec.Meta(max_length=200)]
Standing = Literal["draft", "submitted", "approved", "published", "superseded", "cancelled", "expired", "dropped"]
STANDINGS = get_args(Standing)


class WarningsQuery(msgspec.Struct):
    """Warnings, newest first, of a standing; `after` is the number that the page before ended with."""

    standing: Standing | None = None
    after: int | None = None
    limit: Limit = 50


class TerminalsQuery(msgspec.Struct):
    """Terminals of a channel in a state, by number, above `after`."""

    channel: str
    state: Literal["silent", "failed", "reached", "acknowledged"] = "silent"
    after: int = -1
    limit: Limit = 100
    format: str = "json"


class PlacesQuery(msgspec.Struct):
    """How many terminals at most."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=PLACES_MAX)] = 2000


class Writing(msgspec.Struct, forbid_unknown_fields=True):
    """A warning as its author writes it; times in RFC 3339, positions as [longitude, latitude]."""

    kind: Literal["Alert", "Update", "Cancel"] = "Alert"
    status: Literal["Actual", "Exercise", "Test"] = "Actual"
    event: Word = ""
    colour: Word = ""
    starts_at: str | None = None
    expires_at: str | None = None
    target: Target = Target()
    texts: dict[Literal["zh", "en"], Texts] = {}
    issuer: Word = ""
    channels: Annotated[tuple[Word, ...], msgspec.Meta(max_length=100)] = ()
    replaces: Word = ""
    exercise: Note = ""
    urgency: Literal["Immediate", "Expected", "Future", "Past", "Unknown"] = "Expected"
    certainty: Literal["Observed", "Likely", "Possible", "Unlikely", "Unknown"] = "Likely"

    def draft(self) -> Draft:
        """Return the draft; Invalid where a time cannot be read or the level is none."""
        if self.colour and self.colour not in COLOURS:
            raise unknown_word("colour", self.colour, COLOURS)
        fields: dict[str, Any] = {
            name: getattr(self, name) for name in self.__struct_fields__ if not name.endswith("_at")
        }
        for name, text in (("starts", self.starts_at), ("expires", self.expires_at)):
            fields[name] = parse_instant(text, where=f"{name}_at") if text else None
        return Draft(**fields)


class RewriteBody(msgspec.Struct, forbid_unknown_fields=True):
    """New words over the revision that was read."""

    revision: int
    draft: Writing


class StepBody(msgspec.Struct, forbid_unknown_fields=True):
    """The revision that was looked at, and what there is to say of it."""

    revision: int
    note: Note = ""


class ChannelBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which channel."""

    channel: Name


class ReceiptsBody(msgspec.Struct, forbid_unknown_fields=True):
    """What terminals answered: as many states as terminals (numbers or ids), or one state for all."""

    channel: Name
    terminals: Annotated[list[int | str], msgspec.Meta(min_length=1, max_length=RECEIPTS_MAX)]
    states: list[Literal["failed", "reached", "acknowledged"]] | Literal["failed", "reached", "acknowledged"]


class PutChannel(msgspec.Struct, forbid_unknown_fields=True):
    """A channel; `mode` is said once and never changes. `webhook`: the receiver at which its gateway listens."""

    mode: Literal["actual", "exercise"]
    kind: Literal["loudspeaker", "screen", "sms", "broadcast", "webhook", "feed", "other"]
    zh: Name
    en: Name
    languages: Annotated[tuple[Name, ...], msgspec.Meta(max_length=20)] = ("zh",)
    capability: Note = ""
    webhook: Word = ""
    simulated: bool = False


class PutTerminals(msgspec.Struct, forbid_unknown_fields=True):
    """Terminals: {id, title, lon, lat, district, grid, simulated}."""

    terminals: Annotated[list[dict[str, Any]], msgspec.Meta(min_length=1, max_length=TERMINALS_MAX)]


def listed(ask: Ask) -> Listing:
    """Warnings, newest first."""
    asked: WarningsQuery = ask.query
    views = ask.hub.warnings.views
    found = views.newest([asked.standing] if asked.standing else STANDINGS, asked.after, asked.limit)
    after = str(found[-1].number) if len(found) == asked.limit else None
    return Listing([views.summary(each) for each in found], after, name="warnings")


def words(ask: Ask) -> dict[str, Any]:
    """Kinds of event, colours and issuers, with source and standing of each."""
    law = ask.hub.warnings.law
    return {
        "kinds": msgspec.to_builtins(list(law.kinds.values())),
        "colours": msgspec.to_builtins(list(law.colours.values())),
        "issuers": [{"id": id, **name} for id, name in law.units.items()],
        "districts": [{"id": id, **name} for id, name in law.districts.items()],
    }


def get(ask: Ask) -> dict[str, Any]:
    """One warning with its chain, its case, what its draft lacks, how far it has come, and the names of who acted."""
    return named(ask, ask.hub.warnings.find(ask.path("id")))


def named(ask: Ask, document: dict[str, Any]) -> dict[str, Any]:
    """Put the names of staff beside their ids."""
    acted = (document[f"{word}_by"] for word in ("submitted", "approved", "published"))
    names = names_of(ask.hub, (*document["authors"], *acted))
    if document["simulated"] and document.get("case"):
        # Simulated persons are no staff: their names stand in the actions of the case alone.
        case = ask.hub.views.cases.find(document["case"], EVERYTHING) or {"actions": ()}
        people = (action["person"] for action in case["actions"] if action.get("person"))
        names = {each["id"]: each["name"] for each in people if each.get("name")} | names
    return document | {"names": names}


def preview(ask: Ask) -> dict[str, Any]:
    """What a draft would do: people and things in its area, terminals by channel, four looks; nothing is kept."""
    return ask.hub.warnings.preview(ask.body.draft())


def template(ask: Ask) -> dict[str, Any]:
    """The texts of the template for a draft's kind and colour, filled in."""
    found = ask.hub.warnings.template(ask.body.draft())
    if found is None:
        raise Invalid(
            "There is no template for this kind and colour.",
            code="warning.template",
            where="event",
            remedy="Choose a kind and a colour of GET /api/v1/warning-words.",
        )
    return found


async def draft(ask: Ask) -> dict[str, Any]:
    """Write a warning down; its case is opened with it."""
    return named(ask, await ask.hub.warnings.draft(ask.body.draft(), ask.actor.id, ask.key))


async def edit(ask: Ask) -> dict[str, Any]:
    """Rewrite a draft; whoever does becomes one of its authors."""
    sent: RewriteBody = ask.body
    return named(ask, await ask.hub.warnings.edit(ask.path("id"), sent.revision, sent.draft.draft(), ask.actor.id))


async def submit(ask: Ask) -> dict[str, Any]:
    """Hand a draft to the second person; refused with every check that it fails."""
    return await _step(ask, "submit")


async def approve(ask: Ask) -> dict[str, Any]:
    """Approve the words of a revision; never one's own."""
    return await _step(ask, "approve")


async def send_back(ask: Ask) -> dict[str, Any]:
    """Give a draft back to its authors, with the reason."""
    return await _step(ask, "send_back")


async def drop(ask: Ask) -> dict[str, Any]:
    """Give up a draft, with the reason."""
    return await _step(ask, "drop")


async def _step(ask: Ask, word: str) -> dict[str, Any]:
    sent: StepBody = ask.body
    return named(ask, await ask.hub.warnings.step(ask.path("id"), word, sent.revision, sent.note, ask.actor.id))


async def publish(ask: Ask) -> dict[str, Any]:
    """Issue what was approved to every terminal of its channels in its area."""
    return named(ask, await ask.hub.warnings.publish(ask.path("id"), ask.body.revision, ask.actor.id))


async def resend(ask: Ask) -> dict[str, Any]:
    """Tell a channel again to reach those of whom nothing was heard; refused for what is over."""
    return named(ask, await ask.hub.warnings.resend(ask.path("id"), ask.body.channel, ask.actor.id))


async def receipts(ask: Ask) -> dict[str, Any]:
    """Record what terminals answered, all in one record."""
    sent: ReceiptsBody = ask.body
    states = [sent.states] * len(sent.terminals) if isinstance(sent.states, str) else sent.states
    if len(states) != len(sent.terminals):
        raise Invalid(
            f"{len(states)} states were sent for {len(sent.terminals)} terminals.",
            code="warning.receipts",
            where="states",
            remedy="Send as many states as terminals, or one for all.",
        )
    return await ask.hub.warnings.receipts(ask.path("id"), sent.channel, sent.terminals, states, ask.actor.id)


def districts(ask: Ask) -> Listing:
    """Who was reached, by district."""
    warnings = ask.hub.warnings
    return Listing(warnings.views.by_district(warnings.get(ask.path("id"))), name="districts")


def terminals(ask: Ask) -> Listing:
    """Terminals in a state, with their places."""
    asked: TerminalsQuery = ask.query
    warnings = ask.hub.warnings
    found = warnings.views.terminals(warnings.get(ask.path("id")), asked.channel, asked.state, asked.after, asked.limit)
    after = str(found[-1]["number"]) if len(found) == asked.limit else None
    return Listing(found, after, name="terminals")


def places(ask: Ask) -> dict[str, Any]:
    """Where the terminals stand that were asked, with what was heard of each; those that failed or said nothing first."""
    warnings = ask.hub.warnings
    return warnings.views.places(warnings.get(ask.path("id")), ask.query.limit)


def fallback(ask: Ask) -> dict[str, Any]:
    """Whom to tell by word of mouth when no network works."""
    return ask.hub.warnings.fallback(ask.path("id"))


def channels(ask: Ask) -> Listing:
    """All channels with their terminals counted."""
    views = ask.hub.warnings.views
    return Listing([views.channel_document(each.id) for each in views.channels()], name="channels")


async def put_channel(ask: Ask) -> dict[str, Any]:
    """Put a channel."""
    return await ask.hub.warnings.put_channel(ask.path("id"), msgspec.to_builtins(ask.body), ask.actor.id)


async def put_terminals(ask: Ask) -> dict[str, Any]:
    """Put terminals into a channel; one that stands already is put anew."""
    return await ask.hub.warnings.put_terminals(ask.path("id"), ask.body.terminals, ask.actor.id)


ONE = "/api/v1/warnings/{id}"
ROUTES = (
    Route(method="GET", path="/api/v1/warnings", permission="view:warnings", handle=listed,
          summary="Warnings, newest first", query=WarningsQuery),
    Route(method="POST", path="/api/v1/warnings", permission="warning.draft", handle=draft,
          summary="Draft a warning", body=Writing, status=201),
    Route(method="POST", path="/api/v1/warnings/preview", permission="view:warnings", handle=preview,
          summary="What a draft would reach, and how it looks; writes nothing", body=Writing),
    Route(method="POST", path="/api/v1/warnings/template", permission="view:warnings", handle=template,
          summary="Texts of the template for a kind and a colour, filled in", body=Writing),
    Route(method="GET", path="/api/v1/warning-words", permission="view:warnings", handle=words,
          summary="Kinds of event, colours, issuers, districts"),
    Route(method="GET", path=ONE, permission="view:warnings", handle=get, summary="One warning"),
    Route(method="POST", path=f"{ONE}/edit", permission="warning.edit", handle=edit,
          summary="Rewrite a draft", body=RewriteBody),
    Route(method="POST", path=f"{ONE}/submit", permission="warning.submit", handle=submit,
          summary="Hand a draft to the second person", body=StepBody),
    Route(method="POST", path=f"{ONE}/approve", permission="warning.approve", handle=approve,
          summary="Approve, as the second person", body=StepBody),
    Route(method="POST", path=f"{ONE}/send-back", permission="warning.send_back", handle=send_back,
          summary="Give it back to its authors, with the reason", body=StepBody),
    Route(method="POST", path=f"{ONE}/drop", permission="warning.drop", handle=drop,
          summary="Give up a draft, with the reason", body=StepBody),
    Route(method="POST", path=f"{ONE}/publish", permission="warning.publish", handle=publish,
          summary="Issue what was approved", body=StepBody),
    Route(method="POST", path=f"{ONE}/resend", permission="warning.resend", handle=resend,
          summary="Tell the silent of a channel again", body=ChannelBody),
    Route(method="POST", path=f"{ONE}/receipts", permission="warning.receipts", handle=receipts,
          summary="Record what terminals answered", body=ReceiptsBody),
    Route(method="GET", path=f"{ONE}/districts", permission="view:warnings", handle=districts,
          summary="Who was reached, by district", query=Formatted),
    Route(method="GET", path=f"{ONE}/terminals", permission="view:warnings", handle=terminals,
          summary="Terminals in a state, with their places", query=TerminalsQuery),
    Route(method="GET", path=f"{ONE}/places", permission="view:warnings", handle=places,
          summary="Where terminals stand, with what was heard of each", query=PlacesQuery),
    Route(method="GET", path=f"{ONE}/fallback", permission="view:warnings", handle=fallback,
          summary="Whom to tell by word of mouth when no network works"),
    Route(method="GET", path="/api/v1/warning-channels", permission="view:warnings", handle=channels,
          summary="Channels with their terminals counted", query=Formatted),
    Route(method="POST", path="/api/v1/warning-channels/{id}", permission="warning_channel.put", handle=put_channel,
          summary="Put a channel", body=PutChannel),
    Route(method="POST", path="/api/v1/warning-channels/{id}/terminals", permission="warning_terminal.put",
          handle=put_terminals, summary="Put terminals into a channel", body=PutTerminals),
)  # fmt: skip
