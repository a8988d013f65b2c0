"""A permit office for tests: the noodle shop's form, what registers hold of it, and people who apply."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from quanyu.engines.cases.papers import Papers
from quanyu.kernel.flow import Flow, flow, granted, parameter, refused, step
from quanyu.kernel.form import Forms, Held
from quanyu.kernel.journal import Command, Record, State
from quanyu.kernel.time import working_days
from tests.engines.casework import CaseDesk, limits, make_engine
from tests.kernel.forms_text import FIRM, book

SHOP = "firm:91350100M000100Y43"
CODE = "ABCDEFGHJK23"
FILE = {"sha256": "c" * 64, "type": "application/pdf", "name": "health.pdf"}
ANSWERS: dict[str, Any] = {"premises_area_m2": "35", "sells": ["hot"], "note": "", "opens_on": "2026-05-01",
                           "health": [FILE["sha256"]]}  # fmt: skip
"""What a firm that the registers know is asked; everything else is fetched."""


def permit(**changes: Any) -> Flow:
    """Fill in, have it decided, be told; the limit begins when it is handed in."""
    given: dict[str, Any] = {"overall": working_days(5), "begins": "fill", "until": "decide", "private": True}
    given["steps"] = [
        step("fill", by="applicant", form="open_shop", within=parameter("inspect_limit"), zh="填写", en="Fill in"),
        step("decide", by="chief", zh="决定", en="Decide"),
        step("deliver", by="clerk", outcome=[granted, refused], zh="送达", en="Deliver"),
    ]
    return flow("permit", case="permit", zh="食品经营许可", en="Food licence", **given | changes)


class PermitDesk(CaseDesk):
    """A desk where the shop can apply; `held` is what registers hold of it, and may be changed by a test."""

    def __init__(self, made: Flow | None = None, forms: Forms | None = None) -> None:
        self.held: dict[str, dict[str, Held]] = {SHOP: dict(FIRM)}
        engine = make_engine([made or permit()], parameters=limits())
        super().__init__(engine)
        engine.office.papers = Papers(forms or book(), self._held, self._open)

    def _held(self, state: State, subject: str, elements: Collection[str]) -> Mapping[str, Held]:
        return {name: each for name, each in self.held.get(subject, {}).items() if name in elements}

    def _open(self, state: State, reference: str) -> Mapping[str, str] | None:
        found = self.vault.get(reference)
        return None if found is None else found[1]

    def apply(self, actor: str = "citizen:report", /, **body: Any) -> str:
        channel = "counter" if actor.startswith("person:") else "citizen"
        return self.open(actor, flow="permit", text="老王面馆", code=CODE, channel=channel, **body)

    def said(self, records: list[Record]) -> dict[str, Any]:
        """What the first of the records of an action says."""
        assert records[0].body is not None
        return records[0].body

    def do(self, id: str, action: str, actor: str = "", /, expects: int | None = None, **body: Any) -> list[Record]:
        who = actor or f"citizen:{id.rpartition(':')[2]}"
        return self.run(Command("case.act", id, {"action": action} | body, expects=expects), who)
