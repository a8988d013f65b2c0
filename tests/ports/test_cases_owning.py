"""The port to stored cases: whose they are, page by page, and that nobody else finds them."""

from __future__ import annotations

from typing import Any

from quanyu.kernel.view import EVERYTHING, CaseQuery, Filter
from tests.engines.applicants import ANSWERS, FILE, SHOP
from tests.engines.test_cases_owning import OTHER, SOMEBODY, Office
from tests.ports.casebook import Make, ids, view_of


def test_a_store_gives_a_subject_its_cases_and_nobody_elses(stored: Make) -> None:
    desk = Office()
    mine, both, theirs, nobodys = (
        desk.apply(f"citizen:{SHOP}"),
        desk.apply(f"citizen:{SHOP}&{SOMEBODY}"),
        desk.apply(f"citizen:{OTHER}"),
        desk.apply(),
    )
    offer = desk.offer()
    desk.act(offer, "clerk", "look", fields={"fits": True})
    handed = desk.apply(f"citizen:{SHOP}", title={"zh": "二店许可", "en": "Second shop"})
    desk.do(handed, "save", fields=ANSWERS, files=[FILE])
    desk.do(handed, "fill")
    view = view_of(desk, stored(desk))

    def seen(*subjects: str, **query: Any) -> list[str]:
        asked = {"list": "all", "sort": "opened", **query}
        return ids(view, Filter(f"citizen:{'&'.join(subjects)}", subjects=frozenset(subjects)), **asked)

    assert seen(SHOP) == [handed, offer, both, mine]
    assert seen(SOMEBODY) == [both]
    assert seen(SHOP, SOMEBODY) == [handed, offer, both, mine]
    assert seen(OTHER) == [theirs]
    assert seen("person:stranger") == seen() == []
    assert seen(SHOP, role="applicant", list="open") == [offer, both, mine]
    assert seen(SHOP, text="二店") == [handed]
    assert seen(SHOP, text=mine.rpartition(":")[2]) == [mine]
    assert seen(OTHER, text="二店") == []
    limited = Filter(subjects=frozenset({SHOP}))
    assert view.find(mine, limited) is not None
    assert view.find(theirs, limited) is None
    assert view.find(nobodys, limited) is None
    assert view.count(CaseQuery(list="all"), limited) == 4
    first = view.own(CaseQuery(list="all", sort="opened", limit=3), limited)
    rest = view.own(CaseQuery(list="all", sort="opened", limit=3, after=first.after), limited)
    assert [each["id"] for each in (*first.items, *rest.items)] == [handed, offer, both, mine]
    assert [each["what"] for each in first.items] == ["application", "offer", "application"]
    assert len(view.query(CaseQuery(list="all"), EVERYTHING).items) == 6
