"""Whatever people try in whatever order: versions grow, no clock is lost, no step skipped, the fold is the replay."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from quanyu.engines.cases.actions import COMMON, available
from quanyu.engines.cases.clocks import earliest
from quanyu.engines.cases.tables import serial_of
from quanyu.kernel.errors import QuanyuError
from quanyu.kernel.flow import extension
from quanyu.kernel.journal import Command
from quanyu.kernel.time import working_days
from tests.engines.casework import DAY, HOUR, PEOPLE, PHOTOS, CaseDesk, inspect_source, make_engine, plain_flow

ORDER = ["accept", "dispatch", "inspect", "check", "close"]
WHO = sorted(person.removeprefix("person:") for person in PEOPLE)
FIELDS: dict[str, Any] = {
    "inspect": {"pm25": 30.0},
    "check": {"passed": True},
    "close": {"outcome": "no_action"},
    "arbitrate": {"decision": "moved", "unit": "streets.chaoyang"},
    "pause": {"ground": "weather"},
    "suspend": {"review": "2099-01-01"},
    "postpone": {"review": "2099-01-02"},
    "strike_off": {"outcome": "no_action"},
    "extend": {"count": 1},
    "decide_extension": {"decision": "granted"},
    "assign": {"person": {"id": "person:handler"}},
    "confirm": {"fixed": False},
}
RIGHT = {
    "accept": "duty", "dispatch": "dispatcher", "inspect": "handler", "check": "checker", "close": "duty",
    "return": "handler", "dispute": "duty", "arbitrate": "chief", "pause": "handler", "resume": "chief",
    "suspend": "chief", "comment": "duty", "assign": "dispatcher", "claim": "handler", "reopen": "duty",
    "release": "handler", "postpone": "dispatcher", "strike_off": "chief", "extend": "handler", "decide_extension": "chief",
    "merge": "duty", "split": "duty", "confirm": "clerk",
    "acknowledge": "chief", "unlike": "duty",
    "save": "clerk", "contradict": "clerk", "prove_subject": "clerk", "withdraw": "clerk",
}  # fmt: skip


def naming(action: str, id: str) -> dict[str, str]:
    return {{"merge": "into", "unlike": "other"}[action]: id} if action in ("merge", "unlike") else {}


BY_UNIT = {"streets.chaoyang": "street", "ecology.enforcement": "handler", "ecology.supervision": "checker"}


class Office(RuleBasedStateMachine):
    """Two cases, everybody trying everything, and time that passes."""

    @initialize()
    def open(self) -> None:
        self.desk = CaseDesk(make_engine([inspect_source(extend=extension(working_days(2))), plain_flow()]))
        self.ids = [self.desk.open("citizen:new"), self.desk.find() or ""]
        self.versions = dict.fromkeys(self.ids, 1)
        self.fired: set[tuple[str, str, int]] = set()

    @rule(
        which=st.integers(0, 1),
        action=st.sampled_from(sorted({*ORDER, *COMMON})),
        who=st.one_of(st.just(""), st.sampled_from(WHO)),
        fails=st.booleans(),
    )
    def act(self, which: int, action: str, who: str, fails: bool) -> None:
        id = self.ids[which]
        fields = dict(FIELDS.get(action, {}))
        if action == "check" and fails:
            fields = {"passed": False}
        fields |= naming(action, self.ids[1 - which])
        files = PHOTOS if action in ORDER else []
        body = {"note": "理由", "fields": fields, "files": files}
        self.attempt(id, who or RIGHT[action], action, body)

    @rule(which=st.integers(0, 1))
    def go_on(self, which: int) -> None:
        """Do the step that the case stands at, so that walks get far."""
        token = self.desk.state_of(self.ids[which]).token
        if token is not None:
            body = {"note": "办理", "fields": FIELDS.get(token.step, {}), "files": PHOTOS}
            who = "street" if token.unit == "streets.chaoyang" else RIGHT[token.step]
            self.attempt(self.ids[which], who, token.step, body)

    @rule(which=st.integers(0, 1), pick=st.integers(0, 12))
    def something_allowed(self, which: int, pick: int) -> None:
        """Take one of the options that the case offers, as somebody who may."""
        id, other = self.ids[which], self.ids[1 - which]
        case = self.desk.state_of(id)
        flow = self.desk.cases.office.pinned_flow(self.desk.state, case.flow_hash)
        options = [option for option in available(flow, case) if option.action != "comment"]
        if options:
            option = options[pick % len(options)]
            units = {need.unit for need in option.by if need.unit}
            who = RIGHT[option.action] if not units else BY_UNIT.get(min(units), RIGHT[option.action])
            fields = FIELDS.get(option.action, {}) | naming(option.action, other)
            self.attempt(id, who, option.action, {"note": "理由", "fields": fields, "files": PHOTOS})

    def attempt(self, id: str, who: str, action: str, body: dict[str, Any]) -> None:
        before, rows = self.desk.state_of(id), dict(self.desk.state.rows)
        try:
            self.desk.act(id, who, action, **body)
        except QuanyuError as refused:
            assert refused.code.startswith("case.")  # noqa: PT017
            assert refused.remedy  # noqa: PT017
            assert self.desk.state.rows == rows, "a refusal changes nothing"
            return
        after = self.desk.state_of(id)
        assert self.desk.version_of(id) == self.versions[id] + 1
        if action in ORDER:
            assert before.token is not None
            assert before.token.step == action, "a step was done out of turn"
            if after.token is not None:
                moved = ORDER.index(after.token.step) - ORDER.index(action)
                assert moved == 1 or (action == "check" and moved == -1)
        for each in self.ids:
            self.versions[each] = self.desk.version_of(each)

    @rule(hours=st.integers(1, 72))
    def time_passes(self, hours: int) -> None:
        self.desk.at += hours * HOUR
        for at, id, name in self.desk.timers():
            if at <= self.desk.at:
                assert (id, name, at) not in self.fired, "a timer fired twice"
                self.fired.add((id, name, at))
                self.desk.run(Command("case.timer", id, {"name": name, "due": at}), "engine:cases")

    @rule(start=st.integers(0, 5), ends=st.booleans())
    def rule_finds(self, start: int, ends: bool) -> None:
        begin = self.desk.at - 10 * DAY + start * HOUR
        found = self.desk.find("rule:other", **{"from": begin, "to": begin + HOUR if ends else None})
        if found is not None:
            self.versions.setdefault(found, 1)

    @invariant()
    def versions_never_shrink(self) -> None:
        for id, version in self.versions.items():
            assert self.desk.version_of(id) >= version

    @invariant()
    def no_clock_is_lost(self) -> None:
        timers = {id: (at, name) for at, id, name in self.desk.timers()}
        for id in self.versions:
            case = self.desk.state_of(id)
            assert timers.get(id) == earliest(case)
            if case.state == "open" and case.merged_into is None:
                assert case.overall.stopped is None
                assert len(case.tokens) == 1, "an open case stands somewhere"
                late = case.overall.due is not None and case.overall.due <= self.desk.at
                assert case.late or not late or id in timers
            if case.state == "closed":
                assert case.outcome is not None
                assert case.overall.stopped == case.closed_at

    @invariant()
    def the_fold_is_the_state(self) -> None:
        for id in self.versions:
            assert self.desk.folded(id) == self.desk.state_of(id)
            assert serial_of(id) > 0

    def teardown(self) -> None:
        if hasattr(self, "desk"):
            assert self.desk.state.rows == self.desk.replayed().rows


TestOffice = Office.TestCase
TestOffice.settings = settings(
    max_examples=120, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)
