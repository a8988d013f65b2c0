"""The desk of warnings: every act on a message moves its case in the same commit, and whom it asks is worked out here."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from quanyu.adapters.sqlite.atlas import SqliteAtlas
from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.adapters.sqlite.warnings import SqliteWarnings
from quanyu.assembly.atlas import Atlas
from quanyu.assembly.warning_targets import Districts, Terminals, region_of
from quanyu.assembly.warning_views import WarningViews
from quanyu.engines.warnings.engine import WarningsEngine
from quanyu.engines.warnings.guarding import stands_so
from quanyu.engines.warnings.reach import CODES, TOLD
from quanyu.engines.warnings.store import WARNING, CityWarning, id_of, key_of, unknown, warning_of
from quanyu.kernel.cap import check_alert, read_alert
from quanyu.kernel.declare import City
from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Command, Receipt, State
from quanyu.kernel.pack import Pack
from quanyu.kernel.view import EVERYTHING, CaseQuery
from quanyu.kernel.warning import Draft, WarningLaw, faults_of, filled, mode_of, read_law

if TYPE_CHECKING:
    from quanyu.assembly.hub import Hub

PACK: Final = "safety/warnings"
FLOW: Final = "warning"
FALLBACK_MAX: Final = 2_000
NOTICE_FLOW: Final = "warning_notice"
SEVERITIES: Final = {"red": "red", "orange": "orange", "yellow": "yellow", "blue": "info"}

STEPS: Final[Mapping[str, tuple[str, bool | None]]] = {
    "submit": ("draft", None),
    "approve": ("approve", True),
    "send_back": ("approve", False),
    "drop": ("draft", None),
}
"""Which step of the case goes with a word, and whether it passes."""


def law_of(packs: Iterable[Pack], city: City) -> WarningLaw:
    """Return the tables of warnings with what they need of the city."""
    pack = next((each for each in packs if each.id == PACK), None)
    return read_law(
        {} if pack is None else pack.tables,
        division=city.code,
        sender=f"city-{city.code}",
        zone=city.zone,
        units={unit["id"]: unit["name"] for unit in city.units},
        districts={district["code"]: district["name"] for district in city.districts},
    )


def companion(state: State, asset: str | None, step: str, fields: Mapping[str, Any]) -> bool:
    """Whether the message of a case has come so far that a step of its flow may be done."""
    row = None if asset is None else state.get(WARNING, asset.rpartition(":")[2])
    return stands_so(None if row is None else warning_of(row), step, fields)


def people_of(packs: Iterable[Pack]) -> dict[str, str]:
    """Return which types of entities count people, and by which attribute, as the pack's table says."""
    pack = next((each for each in packs if each.id == PACK), None)
    return {} if pack is None else {row["type"]: row["attribute"] for row in pack.tables.get("people", ())}


class Warnings:
    """Everything that faces and the command line do with warnings."""

    def __init__(self, hub: Hub, store: SqliteStore) -> None:
        self._hub = hub
        self.store = SqliteWarnings(store.connection)
        self._engine = next(each for each in hub.engines if isinstance(each, WarningsEngine))
        latest = hub.latest(["warning_terminal.put", "warning_channel.put"])
        self.terminals = Terminals(self.store, lambda: latest.seq)
        self.districts = Districts(hub.catalogue.outlines)
        self.atlas = Atlas(SqliteAtlas(store.connection, store.read), people_of(hub.packs))
        self.views = WarningViews(self.store, self.terminals, lambda: self.law, hub.clock.now)

    @property
    def law(self) -> WarningLaw:
        """The tables that new messages follow."""
        return self._engine.law

    # -- reading ------------------------------------------------------------------------------------------------------

    def get(self, id: str) -> CityWarning:
        """Return a warning by id or identifier; raises Missing (warning.unknown)."""
        key = self.store.key_of(id)
        row = self.store.find(key if key is not None else key_of(id))
        if row is None:
            raise unknown(id)
        return warning_of(row)

    def find(self, id: str) -> dict[str, Any]:
        """Return a warning with its case, what its draft lacks, and how far it has come; raises Missing."""
        warning = self.get(id)
        document = self.views.document(warning) | {"case": self.case_of(warning.id)}
        if warning.standing in ("draft", "submitted"):
            document["faults"] = self.faults(warning.draft)
        return document

    def case_of(self, id: str) -> str | None:
        """Return the case that goes along with a warning."""
        page = self._hub.views.cases.query(CaseQuery(list="all", flow=FLOW, asset=id, limit=1), EVERYTHING)
        return str(page.items[0]["id"]) if page.items else None

    def watching(self, id: str) -> Command | None:
        """Return the action that lets the case of a warning that is over go on; None where it stands elsewhere."""
        page = self._hub.views.cases.query(CaseQuery(list="all", flow=FLOW, asset=id, limit=1), EVERYTHING)
        for case in page.items:
            if case["state"] == "open" and any(token["step"] == "watch" for token in case["tokens"]):
                return Command("case.act", str(case["id"]), {"action": "watch"}, provenance="derived")
        return None

    def faults(self, draft: Draft) -> list[dict[str, Any]]:
        """Return which checks a draft fails now."""
        mode = mode_of(draft.status)
        allowed = [each.id for each in self.views.channels() if each.mode == mode]
        found: list[dict[str, Any]] = msgspec.to_builtins(faults_of(draft, self.law, self._hub.clock.now(), allowed))
        return found

    def preview(self, draft: Draft) -> dict[str, Any]:
        """Return what a draft would do: whom it reaches, who and what stands there, and how it looks; keeps nothing."""
        regions = [region_of(draft.target)]
        districts = self.districts.regions(draft.target.districts)
        found = self.atlas.count(regions[0], districts)
        channels = {
            channel: self._asked(channel, draft) for channel in draft.channels if self.views.find_channel(channel)
        }
        return {
            "faults": self.faults(draft),
            "area": msgspec.to_builtins(found),
            "terminals": {channel: sum(each.bit_count() for block in maps.values() for each in [int.from_bytes(block, "big")])
                          for channel, maps in channels.items()},
            "looks": self.views.looks(draft),
        }  # fmt: skip

    def fallback(self, id: str) -> dict[str, Any]:
        """Return whom to tell by word of mouth when no network works: communities and silent loudspeakers, to be printed."""
        warning = self.get(id)
        target = warning.draft.target
        regions = [region_of(target), *self.districts.regions(target.districts)]
        people = people_of(self._hub.packs)
        homes = [
            {
                "id": each["id"],
                "name": each.get("name", {}).get("value"),
                "district": each.get("district", {}).get("value"),
                "people": each.get(people.get(str(each["type"]), ""), {}).get("value"),
            }
            for each in self.atlas.listed(regions, FALLBACK_MAX)
        ]
        silent = [
            each | {"channel": channel.id}
            for channel in self.views.channels()
            if channel.id in warning.reach and channel.kind == "loudspeaker"
            for each in self.views.terminals(warning, channel.id, "silent", -1, FALLBACK_MAX)
        ]
        voice = {language: warning.draft.said(language).voice for language in ("zh", "en")}
        return {"id": warning.id, "voice": voice, "homes": homes, "silent": silent}

    def template(self, draft: Draft) -> dict[str, Any] | None:
        """Return the texts of the template for a draft's kind and colour, filled in; None where there is none."""
        template = self.law.find_template(draft.event, draft.colour)
        if template is None:
            return None
        texts = msgspec.to_builtins(filled(template, draft, self.law))
        return {"texts": texts, "source": template.source, "status": template.status}

    def _asked(self, channel: str, draft: Draft) -> dict[str, bytes]:
        regions = [region_of(draft.target), *self.districts.regions(draft.target.districts)]
        return self.terminals.asked(channel, draft.target, regions)

    def public(self, key: str) -> dict[str, Any]:
        """Return what everybody may read of a published warning; raises Missing (warning.unknown) for all others."""
        return self.views.public(key)

    def in_force(self) -> list[dict[str, Any]]:
        """Return what people are to act by now, as pages show it, the worst first."""
        return [self.views.page(each) for each in self.views.in_force()]

    def holds_at(self, warning: CityWarning, place: Mapping[str, Any]) -> bool:
        """Return whether a warning names the district or grid of a place, or its shapes hold the position."""
        import numpy as np

        target = warning.draft.target
        if place.get("district") in target.districts or place.get("grid") in target.grids:
            return True
        lon, lat = place.get("lon"), place.get("lat")
        if lon is None or lat is None:
            return False
        regions = [region_of(target), *self.districts.regions(target.districts)]
        return any(each.inside(np.array([lon]), np.array([lat]))[0] for each in regions)

    # -- acting -------------------------------------------------------------------------------------------------------

    async def draft(self, draft: Draft, actor: str, key: str | None = None) -> dict[str, Any]:
        """Write a warning down and open its case; return the two."""
        id = id_of(f"{draft.event or 'warning'}-{secrets.token_hex(6)}".replace("_", "-"))
        receipt = await self._commit(opening(id, draft, self.law), actor, key)
        return self.find(receipt.outcomes[0].subject)

    async def edit(self, id: str, revision: int, draft: Draft, actor: str) -> dict[str, Any]:
        """Rewrite a draft."""
        body = {"revision": revision, "draft": msgspec.to_builtins(draft)}
        await self._commit([Command("warning.edit", self.get(id).id, body)], actor)
        return self.find(id)

    async def step(self, id: str, word: str, revision: int, note: str, actor: str) -> dict[str, Any]:
        """Submit, approve, send back or drop a warning, and move its case."""
        warning = self.get(id)
        await self._commit(stepping(warning, word, revision, note, self.case_of(warning.id)), actor)
        return self.find(warning.id)

    async def publish(self, id: str, revision: int, actor: str) -> dict[str, Any]:
        """Issue an approved warning to every terminal of its channels that lies in its area."""
        warning = self.get(id)
        await self._commit(self.publishing(warning, revision, self.case_of(warning.id)), actor)
        return self.find(warning.id)

    def publishing(self, warning: CityWarning, revision: int, case: str | None) -> list[Command]:
        """Return the commands that issue a warning, its terminals chosen."""
        targets = {
            channel: self._asked(channel, warning.draft)
            for channel in warning.draft.channels
            if self.views.find_channel(channel)
        }
        shown = self._hub.url and warning.draft.status == "Actual"
        web = f"{self._hub.url}/around/warnings/{warning.key}" if shown else ""
        commands = [Command("warning.publish", warning.id, {"revision": revision, "targets": targets, "web": web})]
        return commands + acting(case, "publish", {"passed": True}, "")

    async def resend(self, id: str, channel: str, actor: str) -> dict[str, Any]:
        """Tell a channel again to reach those of whom nothing was heard."""
        warning = self.get(id)
        await self._commit([Command("warning.resend", warning.id, {"channel": channel})], actor)
        return self.find(warning.id)

    async def receipts(
        self, id: str, channel: str, terminals: Sequence[int | str], states: Sequence[str], actor: str
    ) -> dict[str, int]:
        """Record what terminals answered, by number or id, in one record; return how many."""
        body = receipts_body(channel, self.terminals.numbered(channel, terminals), states)
        receipt = await self._commit([Command("warning.receipts", self.get(id).id, body)], actor)
        return {"recorded": len(terminals), "seq": receipt.seq}

    async def receive(self, content: bytes, actor: str) -> dict[str, Any]:
        """Take a message of a peer in and open a case for the duty officer; nothing of it goes out by itself."""
        alert = read_alert(content)
        remarks = check_alert(alert, self._hub.clock.now())
        said = [f"{each.check} ({each.where}): {each.zh} / {each.en}" for each in remarks]
        first = alert.infos[0] if alert.infos else None
        headline = (first.headline or first.event) if first else alert.identifier
        body = {
            "flow": NOTICE_FLOW,
            "title": {"zh": f"外来预警:{headline}"[:200], "en": f"Warning of a peer: {headline}"[:200]},
            "text": "\n".join([
                f"{alert.sender} {alert.identifier} {alert.status} {alert.kind}",
                *([first.description] if first else []), *said,
            ])[:4000],
            "severity": "red" if first and first.severity == "Extreme" else "yellow",
        }  # fmt: skip
        received = {"alert": msgspec.to_builtins(alert), "remarks": said}
        commands = [Command("warning.receive", "", received), Command("case.open", "", body)]
        receipt = await self._commit(commands, actor)
        return {"id": receipt.outcomes[0].subject, "case": receipt.outcomes[1].subject, "remarks": said}

    async def put_channel(self, id: str, body: dict[str, Any], actor: str) -> dict[str, Any]:
        """Put a channel."""
        await self._commit([Command("warning_channel.put", id, body)], actor)
        return self.views.channel_document(id)

    async def put_terminals(self, id: str, terminals: Sequence[Mapping[str, Any]], actor: str) -> dict[str, Any]:
        """Put terminals into a channel."""
        await self._commit([Command("warning_terminal.put", id, {"terminals": list(terminals)})], actor)
        return self.views.channel_document(id)

    async def _commit(self, commands: Sequence[Command], actor: str, key: str | None = None) -> Receipt:
        return await self._hub.commit(commands, actor, key=key)


def opening(id: str, draft: Draft, law: WarningLaw, **more: Any) -> list[Command]:
    """Return the commands that write a warning down and open its case."""
    kind = law.kinds.get(draft.event)
    prefix = {"zh": "", "en": ""} if draft.status == "Actual" else {"zh": "【演练】", "en": "EXERCISE: "}
    named = {"zh": kind.zh if kind else draft.event, "en": kind.en if kind else draft.event}
    body = {
        "flow": FLOW,
        "title": {language: (prefix[language] + (draft.said(language).headline or named[language]))[:200] or "…"
                  for language in ("zh", "en")},
        "text": draft.said("zh").plain[:4000],
        "severity": SEVERITIES.get(draft.colour, "yellow"),
        "asset": id,
        "asset_type": "Warning",
        **({"place": {"district": draft.target.districts[0]}} if draft.target.districts else {}),
    }  # fmt: skip
    return [
        Command("warning.draft", id, {"draft": msgspec.to_builtins(draft), **more}),
        Command("case.open", "", body | more),
    ]


def stepping(warning: CityWarning, word: str, revision: int, note: str, case: str | None) -> list[Command]:
    """Return the commands of a step: of the message first, then of its case."""
    step, passed = STEPS[word]
    fields: dict[str, Any] = {} if passed is None else {"passed": passed}
    if word == "drop":
        fields["outcome"] = "no_action"
    if word == "send_back" and warning.standing == "approved":
        step = "publish"
    commands = [Command(f"warning.{word}", warning.id, {"revision": revision, "note": note})]
    return commands + acting(case, step, fields, note)


def acting(case: str | None, step: str, fields: Mapping[str, Any], note: str) -> list[Command]:
    """Return the action on a case; none where a message has no case."""
    if case is None:
        return []
    return [Command("case.act", case, {"action": step, "fields": dict(fields), "note": note})]


def receipts_body(channel: str, numbers: Sequence[int], states: Sequence[str]) -> dict[str, Any]:
    """Return receipts as a record keeps them; raises Invalid (warning.receipts) for a word that is no answer."""
    from array import array

    try:
        codes = bytes([CODES[state] for state in states])
        packed = array("I", numbers).tobytes()
    except (KeyError, OverflowError, TypeError) as fault:
        raise Invalid(
            f"Receipts cannot be read: {fault}.",
            code="warning.receipts",
            where="states",
            remedy=f"Use {', '.join(sorted(TOLD))}, and numbers or ids of terminals.",
        ) from fault
    return {"channel": channel, "numbers": packed, "states": codes}
