"""What rules say and what they ask of documents."""

from __future__ import annotations

import pytest

from quanyu.engines.rules.store import describe_by, place_of, standing_value
from quanyu.engines.rules.words import duration_words
from quanyu.kernel.time import hours, minutes
from quanyu.kernel.view import Filter, Page, Query


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (minutes(90).length_us, {"zh": "90分钟", "en": "90 minutes"}),
        (hours(1).length_us, {"zh": "1小时", "en": "1 hour"}),
        (hours(49).length_us - 1, {"zh": "2天", "en": "2 days"}),
        (hours(30).length_us, {"zh": "30小时", "en": "30 hours"}),
    ],
)
def test_lengths_are_said_in_their_largest_fitting_unit(length: int, words: dict[str, str]) -> None:
    assert duration_words(length) == words


def test_documents_say_where_they_are_and_what_they_state() -> None:
    assert place_of({"id": "urn:1", "type": "A", "location": {"type": "GeoProperty", "value": {"type": "?"}}}) is None
    assert standing_value({"type": "Property", "value": 1}) == 1.0
    assert standing_value({"type": "Property", "value": 2, "observedAt": "2026"}) is None
    assert standing_value({"type": "Property", "value": "a"}) is None
    assert standing_value([]) is standing_value(None) is None


class View:
    """Entities by id, at most a thousand a page."""

    def query(self, query: Query, scope: Filter) -> Page:
        assert query.ids is not None
        assert len(query.ids) <= query.limit
        return Page([{"id": id, "type": "A"} for id in query.ids if id != "urn:7"])


def test_entities_are_looked_up_a_page_at_a_time() -> None:
    found = describe_by(View())([f"urn:{n}" for n in range(1500)])  # type: ignore[arg-type]
    assert len(found) == 1499
