"""What an erasure reaches beyond the vault: photos that the person brought to a case, and what registers held."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import msgspec

from quanyu.assembly.files import Files
from quanyu.kernel.journal import Command, Effects, Instant, Record, Table
from quanyu.kernel.view import EVERYTHING, CaseQuery, Cases, Filter, Registers

REPORTER = "reporter:"
SUBJECTS = ("person:", "firm:")


class ErasureReader:
    """Hears of erasures and removes the files that only the erased reporter brought; removing twice is harmless.

    What registers held of the person went with their key; here the hub forgets that anything was held.
    """

    name = "erasure"
    wants: Collection[str] | None = frozenset({"person.erased"})
    tables: Collection[Table] = ()

    def __init__(self, cases: Cases, files: Files, registers: Registers | None = None) -> None:
        self._cases, self._files, self._registers = cases, files, registers

    def read(self, records: Sequence[Record], now: Instant) -> Effects:
        """Remove the files of each erased reporter, what is on the shelf of each erased person, and their way to cases."""
        for record in records:
            for name in brought_by(self._cases, record.subject):
                self._files.erase(name)
        forgotten = [self._forgotten(record) for record in records if self._is_held(record.subject)]
        return Effects([*forgotten, *(each for record in records for each in self._parted(record))])

    def _parted(self, record: Record) -> Iterator[Command]:
        """Yield the commands that part an erased subject from its cases: whoever comes in its name later finds none."""
        if not record.subject.startswith(SUBJECTS):
            return
        query, scope = CaseQuery(list="all"), Filter("engine:erasure", subjects=frozenset({record.subject}))
        while True:
            page = self._cases.query(query, scope)
            for case in page.items:
                yield Command("case.disown", case["id"], {"subject": record.subject}, "derived", cause=record.seq)
            if page.after is None:
                return
            query = msgspec.structs.replace(query, after=page.after)

    def _is_held(self, person: str) -> bool:
        return self._registers is not None and bool(self._registers.shelf(person))

    def _forgotten(self, record: Record) -> Command:
        return Command("register.forget", record.subject, {"before": record.seq}, "derived:erasure", cause=record.seq)


def brought_by(cases: Cases, person: str) -> set[str]:
    """Return the digests of the files that a reporter, and nobody else, put to the case; all, once its time to keep is over."""
    if not person.startswith(REPORTER):
        return set()
    case = cases.find(person.removeprefix(REPORTER), EVERYTHING)
    actions: list[dict[str, Any]] = case["actions"] if case is not None else []
    if case is not None and (case["keeping"] or {}).get("erased_at") is not None:
        # The time to keep it is over: whoever brought it, nothing of it stays.
        return {file["sha256"] for action in actions for file in action["files"]}
    brought = {file["sha256"] for action in actions if _by_reporter(action) for file in action["files"]}
    return brought - {file["sha256"] for action in actions if not _by_reporter(action) for file in action["files"]}


def _by_reporter(action: dict[str, Any]) -> bool:
    return action["action"] in ("open", "save") or str(action["actor"]).startswith("citizen:")
