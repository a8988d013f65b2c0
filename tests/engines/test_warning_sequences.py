"""Any sequence of commands: an exercise never reaches an actual channel, and nobody approves what they wrote."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from quanyu.engines.warnings.reach import bitmaps
from quanyu.engines.warnings.store import id_of
from quanyu.kernel.errors import Conflict, Denied, Invalid, Missing
from quanyu.kernel.warning import mode_of
from tests.engines.warning_desk import HOUR, a_draft, warning_desk

# -- any sequence of commands ---------------------------------------------------------------------------------------------

PEOPLE = ("person:author", "person:second", "person:third", "engine:warnings", "simulation:city")
KEYS = ("a", "b", "c", "d", "e")
STATUSES = ("Actual", "Exercise", "Test")


class AnySequence(RuleBasedStateMachine):
    """Whatever anybody sends in whatever order: nobody is warned wrongly."""

    def __init__(self) -> None:
        super().__init__()
        self._open = warning_desk()
        self.desk = self._open.__enter__()
        self.foreign: set[str] = set()

    def teardown(self) -> None:
        self._open.__exit__(None, None, None)

    def _try(self, kind: str, subject: str, body: dict[str, Any], actor: str) -> None:
        try:
            self.desk.send(kind, subject, body, actor)
        except (Conflict, Denied, Invalid, Missing) as fault:
            self.foreign |= {fault.code} - {code for code in (fault.code,) if code.startswith("warning.")}

    @rule(
        key=st.sampled_from(KEYS),
        status=st.sampled_from(STATUSES),
        channels=st.lists(st.sampled_from(["speakers", "drill"]), min_size=1, max_size=2, unique=True),
        kind=st.sampled_from(["Alert", "Update", "Cancel"]),
        replaces=st.sampled_from(["", *KEYS]),
        actor=st.sampled_from(PEOPLE),
        edits=st.booleans(),
    )
    def write(
        self, key: str, status: str, channels: list[str], kind: str, replaces: str, actor: str, edits: bool
    ) -> None:
        draft = a_draft(
            status=status,
            channels=tuple(channels),
            kind=kind,
            exercise="演练",
            replaces=id_of(replaces) if replaces else "",
        )
        body: dict[str, Any] = {"draft": msgspec.to_builtins(draft)}
        self._try(
            "warning.edit" if edits else "warning.draft", id_of(key), body | ({"revision": 1} if edits else {}), actor
        )

    @rule(
        key=st.sampled_from(KEYS),
        word=st.sampled_from(["submit", "approve", "approve", "send_back", "drop", "publish", "publish"]),
        actor=st.sampled_from(PEOPLE),
        revision=st.integers(1, 2),
    )
    def step(self, key: str, word: str, actor: str, revision: int) -> None:
        body: dict[str, Any] = {"revision": revision}
        if word == "publish":
            body["targets"] = {"speakers": bitmaps(range(10)), "drill": bitmaps(range(10))}
        else:
            body["note"] = "因故"
        self._try(f"warning.{word}", id_of(key), body, actor)

    @rule(
        key=st.sampled_from(KEYS),
        status=st.sampled_from(STATUSES),
        channel=st.sampled_from(["speakers", "drill"]),
        kind=st.sampled_from(["Alert", "Cancel"]),
        replaces=st.sampled_from(KEYS),
        second=st.sampled_from(PEOPLE[:3]),
    )
    def walk(self, key: str, status: str, channel: str, kind: str, replaces: str, second: str) -> None:
        """All the way at once: long sequences of single steps seldom get there."""
        self.write(key, status, [channel], kind, "" if kind == "Alert" else replaces, "person:author", False)
        for word, actor in (("submit", "person:author"), ("approve", second), ("publish", second)):
            self.step(key, word, actor, 1)

    @rule(key=st.sampled_from(KEYS), channel=st.sampled_from(["speakers", "drill"]), actor=st.sampled_from(PEOPLE))
    def resend(self, key: str, channel: str, actor: str) -> None:
        self._try("warning.resend", id_of(key), {"channel": channel}, actor)

    @rule(mode=st.sampled_from(["actual", "exercise"]), id=st.sampled_from(["speakers", "drill"]))
    def channel(self, mode: str, id: str) -> None:
        body = {"mode": mode, "kind": "screen", "zh": "屏", "en": "Screen"}
        self._try("warning_channel.put", id, body, "person:e")

    @rule(hours=st.integers(1, 4))
    def wait(self, hours: int) -> None:
        self.desk.at += hours * HOUR
        for key in self.desk.rows.expired(self.desk.at, 10):
            self.desk.send("warning.expire", id_of(key), {}, "engine:warnings")

    @invariant()
    def nobody_is_warned_wrongly(self) -> None:
        assert not self.foreign
        standing: dict[str, str] = {}
        authors: dict[str, set[str]] = {}
        for record in self.desk.made:
            body, key = record.body or {}, record.subject
            if record.kind in ("warning.drafted", "warning.edited"):
                authors.setdefault(key, set()).add(body["by"])
            elif record.kind == "warning.approved":
                assert body["by"] not in authors[key]
                assert body["by"].startswith("person:")
                assert standing.get(key) != "approved"
            elif record.kind == "warning.published":
                assert standing.get(key) == "approved"
                if body["replaces"]:
                    standing[id_of(body["replaces"])] = "over"
            elif record.kind == "warning.sent":
                # An exercise or a test never reaches an actual channel, and what is over reaches none.
                assert (body["status"] == "Actual") == (body["channel"] == "speakers")
                assert body["mode"] == mode_of(body["status"])
                assert standing[key] == "published"
            if record.kind.startswith("warning.") and record.kind != "warning.sent":
                standing[key] = record.kind.partition(".")[2]


AnySequence.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
TestAnySequence = AnySequence.TestCase
