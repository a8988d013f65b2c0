"""A home that was written before its cases said whose they are: opened, it folds their rows again and is sound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw
import pytest

from quanyu.adapters.sqlite import store
from quanyu.assembly import Options, open_hub
from quanyu.assembly.remote import operate
from quanyu.kernel.view import EVERYTHING, CaseQuery, Filter
from tests.faces.applying import FIRM, applying, found_by_rule, given, hold, offered
from tests.faces.hall import city_hall

TABLES = (
    "case_row",
    "case_opening",
    "case_involved",
    "case_fold",
    "case_ask",
    "case_branch",
    "case_number",
    "case_tally",
)
OWN = Filter(subjects=frozenset({FIRM}))


def rows_of(database: Path) -> dict[str, list[Any]]:
    connection = apsw.Connection(str(database))
    try:
        return {name: sorted(connection.execute(f"SELECT * FROM {name}"), key=str) for name in TABLES}
    finally:
        connection.close()


def test_rows_of_an_older_home_are_folded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, database = tmp_path / "home", tmp_path / "home" / "quanyu.db"
    with city_hall(home) as hub:
        hold(hub)
        offer, benefit = offered(hub), given(hub)
        found_by_rule(hub, "policy_offer", ("新办企业辅导", "Guidance"), key="2")
        with applying(hub) as someone:
            someone.sign_in()
            draft, _ = someone.start()
            gone, _ = someone.start()
            someone.go(f"/do/case/{gone}")
            someone.press(f"/do/case/{gone}/withdraw", {"sure": "yes"})
        hub.views.cases.query(CaseQuery(), EVERYTHING)
    before = rows_of(database)
    connection = apsw.Connection(str(database))
    connection.execute("DELETE FROM case_subject; PRAGMA user_version = 6")
    connection.close()
    # Its entities have their last column already.
    monkeypatch.setitem(store.MIGRATIONS, 8, "")
    again = open_hub(home, Options(demo=True))
    try:
        found = again.views.cases.own(CaseQuery(list="all", sort="opened"), OWN)
        assert [each["number"] for each in found.items] == [draft, benefit, offer]
        again.views.cases.query(CaseQuery(), EVERYTHING)
    finally:
        again.close()
    assert rows_of(database) == before
    assert (home / "quanyu.db.schema-6").is_file()
    assert operate(home, "check", {})["faults"] == []
