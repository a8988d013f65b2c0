"""The read view of cases: dicts that faces show as they are, with next actions and clock derived when they are read."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from quanyu.engines.cases.actions import available, find_grant, option_document
from quanyu.engines.cases.application import application_document
from quanyu.engines.cases.asks import asks_of
from quanyu.engines.cases.branches import branch_documents, clock_title, leading_place, step_documents
from quanyu.engines.cases.clocks import light
from quanyu.engines.cases.lines import lines
from quanyu.engines.cases.migrating import preview, unknown_version
from quanyu.engines.cases.notices import notice_documents
from quanyu.engines.cases.office import CITIZEN, Grants, Office, code_digest, serial_of_citizen, subjects_of_citizen
from quanyu.engines.cases.option import TITLES, Asker
from quanyu.engines.cases.owning import own_document
from quanyu.engines.cases.papers import form_of
from quanyu.engines.cases.process import process_of
from quanyu.engines.cases.rechecking import own_work
from quanyu.engines.cases.rows import lead_unit
from quanyu.engines.cases.showing import clock_document, dated_documents, finding_document, outcome_document
from quanyu.engines.cases.state import CaseState, Entry, Opening, state_of
from quanyu.engines.cases.store import LISTS, CaseStore, StoredCase, Viewer
from quanyu.engines.cases.tables import id_of, number_of, serial_of
from quanyu.engines.cases.territory import TERRITORY
from quanyu.kernel.errors import Invalid
from quanyu.kernel.flow import Flow, kept_flow
from quanyu.kernel.form import Blank
from quanyu.kernel.journal import Instant, Record
from quanyu.kernel.view import CaseQuery, Filter, Page

PAGE_MAX: Final = 1000
SORTS: Final = ("due", "opened", "oldest")
ENTRY_TITLES: Final[Mapping[str, tuple[str, str]]] = TITLES | {
    "open": ("登记", "Opened"),
    "find": ("规则发现", "Found by a rule"),
    "recount": ("重新计算时限", "Clock counted again"),
    "merged": ("并入一件", "Took another case in"),
    "ended": ("主办事件已办结", "The leading case has ended"),
    "separated": ("拆出一件", "Gave a case back"),
    "amber": ("黄灯预警", "Amber light"),
    "red": ("红灯预警", "Red light"),
    "overdue": ("超期", "Overdue"),
    "escalate": ("升级督办", "Escalated"),
    "over": ("等候期满", "Wait over"),
    "strike": ("步骤限时触发", "Timer on a step struck"),
    "migrate": ("转入新版流程", "Moved to a new version of the flow"),
    "lapse": ("回访期满", "Reporter did not answer"),
    "erase": ("保存期满,已删除", "Time to keep it over: erased"),
    "review": ("挂账复核到期", "Review date of the problem bank"),
    "tell": ("已告知接收方", "Receiver told"),
    "receipt": ("收到回执", "Receipt"),
    "disown": ("申请人信息已删除", "Whose it was is erased"),
}
"""What the lines of a history are called that are no step of the flow; timers by the last word of their name."""

TEXT_FIELDS: Final = frozenset({"text", "title", "place"})
"""What the text search looks into: where one is masked, searching would tell what it says."""


class CasesView:
    """Implements `kernel.view.Cases`. `now` is city time; `grants` are those of the durable state."""

    def __init__(
        self, store: CaseStore, grants: Grants, now: Callable[[], Instant], office: Office | None = None
    ) -> None:
        self._store = store
        self._office = office
        self._grants = grants
        self._now = now
        self._flows: dict[str, Flow] = {}
        self._blanks: dict[str, Blank] = {}
        self.suspended: Callable[[str | None], Collection[str]] = lambda _: ()
        """The actions that an emergency takes away in a district now; assembly hands it in."""

    def find(self, id: str, scope: Filter) -> dict[str, Any] | None:
        """Return the case with history, steps and the actor's next actions; None where it is not to be seen."""
        serial = serial_of(id)
        stored = self._store.find(serial, scope)
        if stored is None:
            return None
        records = self._store.records([stored.opening, *self._store.trail(serial)])
        head, case = _head(records[0]), state_of(stored.doc)
        flow = self._flow(case.flow_hash)
        document = self._summary(stored, head, case, flow)
        document |= {
            "steps": list(step_documents(flow, case)),
            "application": application_document(flow, case, records, self._blank),
            "findings": [finding_document(each) for each in case.findings],
            "actions": [_entry(line, flow) for line in lines(records)],
            "next": self._next(serial, case, flow, scope.actor),
            "supports": list(case.supports),
            "merged": [id_of(each) for each in case.merged],
            "objection": None if case.objection is None else msgspec.to_builtins(case.objection),
            "extension": None if case.extension is None else msgspec.to_builtins(case.extension),
            "notices": list(notice_documents(case.notices, {clock.name: clock for clock in case.clocks})),
            "clocks": [
                clock_document(each, case, self._now()) | {"title": clock_title(flow, each.name)}
                for each in case.clocks
            ],
            "parameters": [
                *head.parameters,
                *({"id": name, "version": version, "value": limit} for name, (limit, version) in case.limits.items()),
            ],
        }
        return _masked(document, scope)

    def listed(self, id: str, scope: Filter) -> dict[str, Any] | None:
        """Return the case as lists show it; None where it is not to be seen."""
        stored = self._store.find(serial_of(id), scope)
        if stored is None:
            return None
        return _masked(self._read(stored, self._store.records([stored.opening])[0]), scope)

    def query(self, query: CaseQuery, scope: Filter) -> Page:
        """Return case summaries; `after` leads to the next page."""
        return self._page(query, scope, self._read)

    def own(self, query: CaseQuery, scope: Filter) -> Page:
        """Return summaries with what each case waits for from those whose it is (`owning.own_document`)."""
        return self._page(query, scope, self._own)

    def _page(self, query: CaseQuery, scope: Filter, read: Callable[[StoredCase, Record], dict[str, Any]]) -> Page:
        _check(query)
        if _hidden(query, scope):
            return Page([])
        page = self._store.query(query, scope, self._viewer(scope))
        opened = {record.seq: record for record in self._store.records([stored.opening for stored in page.items])}
        return Page([_masked(read(each, opened[each.opening]), scope) for each in page.items], page.after)

    def count(self, query: CaseQuery, scope: Filter) -> int:
        """Return how many cases match, whatever the page."""
        _check(query)
        return 0 if _hidden(query, scope) else self._store.count(query, scope, self._viewer(scope))

    def lists(self, scope: Filter) -> dict[str, int]:
        """Return how long each work list of the filter's actor is."""
        viewer = self._viewer(scope)
        return {name: self._store.count(CaseQuery(list=name), scope, viewer) for name in LISTS}

    def next_actions(self, id: str, scope: Filter) -> list[dict[str, Any]]:
        """Return what the filter's actor may do with a case now; the hub's own views show all."""
        stored = self._store.find(serial_of(id), scope)
        if stored is None:
            return []
        case = state_of(stored.doc)
        return self._next(stored.serial, case, self._flow(case.flow_hash), scope.actor)

    def brief(self, id: str, scope: Filter) -> dict[str, Any] | None:
        """Return title, unit and severity of a case, as a log names it; None where it is not to be seen."""
        stored = self._store.find(serial_of(id), scope)
        if stored is None:
            return None
        case = state_of(stored.doc)
        unit = case.token.unit if case.token else lead_unit(case)
        head = _head(self._store.records([stored.opening])[0])
        return _masked({"title": head.title, "unit": unit, "severity": case.severity}, scope)

    def bank(self, scope: Filter) -> list[dict[str, Any]]:
        """Return what lies in the problem bank by unit: how many, how many past their review date, since when."""
        return self._store.bank(scope, self._now())

    def facts(self, start: Instant, end: Instant, data: bool = False) -> Iterable[dict[str, Any]]:
        """Return one flat row per case opened or closed in [start, end), with the fields that it keeps if asked."""
        for row in self._store.facts(start, end, data):
            doc = row.pop("doc", None)
            kept = {} if doc is None else state_of(doc).data
            yield row | {f"data_{name}": value for name, value in kept.items()}

    def process(
        self, flow: str, start: Instant, end: Instant, scope: Filter, step: str | None = None
    ) -> dict[str, Any]:
        """Return what the steps of a flow cost in cases opened in [start, end), and those cases without a step."""
        return process_of(self._store, flow, start, end, scope, self._viewer(scope), step)

    def moves(self, query: CaseQuery, to: str, places: Mapping[str, str], scope: Filter) -> Page:
        """Return for cases of a list where another version of their flow would put them; `to` is its name or hash.

        Raises Invalid (case.flow_unknown) for a version that nobody declares and no case has pinned.
        """
        assert self._office is not None, "a view without an office previews no moves"
        _check(query)
        known = self._office.flows.get(to)
        document = None if known else self._store.find_flow(to)
        if known is None and document is None:
            raise unknown_version(to, self._office)
        new = known or (to, self._flow(to))
        page = self._store.query(query, scope, self._viewer(scope))
        opened = {record.seq: _head(record) for record in self._store.records([each.opening for each in page.items])}
        cases = [(each.serial, state_of(each.doc), opened[each.opening].category) for each in page.items]
        moving = [each for each in cases if each[1].flow_hash != new[0]]
        versions = {case.flow_hash: self._flow(case.flow_hash) for _, case, _ in moving}
        return Page([*preview(self._office, moving, versions, new, places)], page.after)

    def find_flow(self, digest: str) -> dict[str, Any] | None:
        """Return the definition that the journal keeps under a hash; None for an unknown one."""
        document = self._store.find_flow(digest)
        return None if document is None else msgspec.json.decode(document)

    def open_cases(self) -> Iterator[tuple[int, CaseState]]:
        """Yield serial and state of cases that are not closed: what a calendar edit may touch."""
        return ((serial, state_of(doc)) for serial, doc in self._store.open_cases())

    def states(self, query: CaseQuery, scope: Filter) -> Iterator[tuple[str, Opening, CaseState]]:
        """Yield id, opening and state of all cases that match, page by page: what a replay judges again."""
        while True:
            page = self._store.query(query, scope, self._viewer(scope))
            opened = {record.seq: record for record in self._store.records([each.opening for each in page.items])}
            for stored in page.items:
                yield id_of(stored.serial), _head(opened[stored.opening]), state_of(stored.doc)
            if page.after is None:
                return
            query = msgspec.structs.replace(query, after=page.after)

    def citizen(self, number: str, code: str) -> str | None:
        """Return the actor that a case's access code opens (`citizen:<number>`); None for a wrong code."""
        serial = serial_of_citizen(number)
        stored = None if serial is None else self._store.find(serial, Filter())
        kept = None if stored is None else _head(self._store.records([stored.opening])[0]).code
        if serial is None or kept is None or not hmac.compare_digest(kept, code_digest(id_of(serial), code)):
            return None
        return CITIZEN + number_of(serial)

    def form(self, id: str, step: str, scope: Filter) -> tuple[Blank, CaseState] | None:
        """Return the form that a case pinned for a step, and its folded state; None where it is not to be seen."""
        stored = self._store.find(serial_of(id), scope)
        if stored is None:
            return None
        case = state_of(stored.doc)
        blank = self._blank(case.forms.get(step, ""))
        return None if blank is None else (blank, case)

    def _blank(self, version: str) -> Blank | None:
        if version not in self._blanks:
            document = self._store.find_flow(version)
            if document is None:
                return None
            self._blanks[version] = form_of(msgspec.json.decode(document))
        return self._blanks[version]

    def _viewer(self, scope: Filter) -> Viewer:
        return Viewer(self._now(), scope.actor, tuple(self._grants(scope.actor)))

    def _flow(self, digest: str) -> Flow:
        if digest not in self._flows:
            document = self._store.find_flow(digest)
            assert document is not None, f"flow {digest} was pinned and never defined"
            self._flows[digest] = kept_flow(msgspec.json.decode(document))
        return self._flows[digest]

    def _read(self, stored: StoredCase, opened: Record) -> dict[str, Any]:
        case = state_of(stored.doc)
        return self._summary(stored, _head(opened), case, self._flow(case.flow_hash))

    def _own(self, stored: StoredCase, opened: Record) -> dict[str, Any]:
        case, head = state_of(stored.doc), _head(opened)
        return self._read(stored, opened) | own_document(head, case, self._flow(case.flow_hash))

    def _next(self, serial: int, case: CaseState, flow: Flow, actor: str) -> list[dict[str, Any]]:
        away = self.suspended(case.district)
        allowed = [option for option in available(flow, case) if option.action not in away]
        if actor.startswith(("system:", "simulation:")):
            return [option_document(option) for option in allowed]
        citizen = serial_of_citizen(actor.removeprefix(CITIZEN)) if actor.startswith(CITIZEN) else None
        asker = Asker(actor, tuple(self._grants(actor)), case=citizen, subjects=subjects_of_citizen(actor))
        options = []
        for option in allowed:
            step = flow.get_step(option.step) if option.step == option.action and option.step else None
            judged = step is not None and own_work(case, step, actor, self._case)
            if not judged and find_grant(option, case, asker, serial) is not None:
                options.append(option_document(option))
        return options

    def _case(self, serial: int) -> CaseState | None:
        stored = self._store.find(serial, Filter())
        return None if stored is None else state_of(stored.doc)

    def _summary(self, stored: StoredCase, head: Opening, case: CaseState, flow: Flow) -> dict[str, Any]:
        token, overall, now = case.token, case.overall, self._now()
        step, title = leading_place(flow, case)
        step_clock = case.find_clock(f"step.{token.id}") if token else None
        return {
            "id": id_of(stored.serial),
            "number": number_of(stored.serial),
            "version": stored.version,
            "kind": head.kind,
            "flow": head.flow,
            "flow_hash": case.flow_hash,
            "flow_title": flow.title,
            "title": head.title,
            "text": head.text,
            "severity": case.severity,
            "state": "closed" if case.merged_into is not None else case.state,
            "step": step,
            "step_title": title,
            "tokens": branch_documents(flow, case),
            "place": head.place,
            "asset": head.asset,
            "asset_type": head.asset_type,
            "class": head.category,
            "channel": head.channel,
            "rule": head.rule,
            "rule_version": head.rule_version,
            "opened_at": case.opened_at,
            "closed_at": case.closed_at,
            "updated_at": case.last[2] or case.opened_at,
            "due_at": overall.due,
            "amber_at": overall.amber,
            "red_at": overall.red,
            "due_known": overall.due is not None or overall.stands or not overall.begun,
            "begun": overall.begun,
            "latest_certain_day": overall.certain,
            "clock": _light(case, now),
            "late": case.late,
            "step_due_at": step_clock.due if step_clock else None,
            "unit": token.unit if token else None,
            "role": token.role if token else None,
            "person": token.person if token else None,
            "lead_unit": lead_unit(case),
            "returned_by": case.returned_by,
            "returned_to": case.returned_to,
            "escalated_to": case.escalated_to,
            "merged_into": None if case.merged_into is None else id_of(case.merged_into),
            "outcome": outcome_document(case),
            "confirmed": case.confirmed,
            "reporter": head.reporter,
            "historical": case.historical,
            "private": flow.private,
            "simulated": case.simulated,
            "provenance": head.provenance,
            "finding_count": case.finding_count,
            "findings_ended_at": case.findings_ended_at,
            **dated_documents(case, now),
            "asks": [{"what": what, "role": role, "unit": unit, "since": since}
                     for _, what, role, unit, since in asks_of(stored.serial, case)],
            "because": TERRITORY if case.territory else None,
        }  # fmt: skip


def _head(record: Record) -> Opening:
    assert record.body is not None, f"record {record.seq} opened a case, is kept for ever and has no body"
    return msgspec.convert(record.body["head"], Opening)


def _light(case: CaseState, now: Instant) -> str:
    if case.merged_into is not None:
        return "stopped"
    return light(case.overall, case.seen_at if case.historical else now)


def _entry(entry: Entry, flow: Flow) -> dict[str, Any]:
    timer = str(entry.fields.get("timer", "")) if entry.action == "timer" else ""
    zh, en = ENTRY_TITLES.get(timer.rpartition(".")[2] or entry.action, (entry.action, entry.action))
    step = next((each for each in flow.steps if each.name == entry.action), None)
    return {
        "seq": entry.seq,
        "at": entry.at,
        "actor": entry.actor,
        "person": entry.person,
        "actor_name": (entry.person or {}).get("name"),
        "action": entry.action,
        "step": entry.step,
        "title": step.title if step else {"zh": zh, "en": en},
        "note": entry.note,
        "files": list(entry.files),
        "fields": entry.fields,
        "provenance": entry.provenance,
    }


def _masked(document: dict[str, Any], scope: Filter) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in scope.masked}


def _hidden(query: CaseQuery, scope: Filter) -> bool:
    return query.text is not None and bool(scope.masked & TEXT_FIELDS)


def _check(query: CaseQuery) -> None:
    """Refuse a question that no store could answer; Invalid names the part."""
    faults = (
        ("list", query.list not in LISTS, f"Use one of {', '.join(LISTS)}."),
        ("sort", query.sort not in SORTS, f"Use one of {', '.join(SORTS)}."),
        ("limit", not 1 <= query.limit <= PAGE_MAX, f"Ask for 1 to {PAGE_MAX} and follow the cursor."),
        ("state", query.state not in (None, "open", "closed", "suspended"), "Use open, closed or suspended."),
        ("text", query.text is not None and len(query.text) > 200, "Search for at most 200 characters."),
    )
    for name, wrong, remedy in faults:
        if wrong:
            raise Invalid(
                f"Query of cases has the {name} {getattr(query, name)!r:.60}.",
                code="query.cases",
                where=name,
                remedy=remedy,
            )
