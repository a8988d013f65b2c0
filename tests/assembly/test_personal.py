"""Personal data: read for a purpose and written down; gone for ever after an erasure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from quanyu.assembly import Hub, Options, open_hub
from quanyu.assembly.clock import SimulatedClock
from quanyu.assembly.keeping import check_hub, erase
from quanyu.assembly.personal import person_of, read_personal, readings
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.journal import Command
from quanyu.kernel.view import EVERYTHING
from tests.hubs import MORNING


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    made = open_hub(tmp_path, Options(demo=True))
    assert isinstance(made.clock, SimulatedClock)
    made.clock.jump(MORNING)
    made.start()
    yield made
    made.close()


def test_reporter_is_read_for_a_purpose_and_forgotten_on_demand(hub: Hub, tmp_path: Path) -> None:
    photo = hub.files.keep(b"%PDF-of the reporter", "application/pdf")
    body = {
        "files": [{"sha256": photo.sha256, "type": photo.type, "name": "a.pdf"}],
        "flow": "grid_case",
        "text": "井盖破损",
        "severity": "yellow",
        "channel": "counter",
        "class": "c0101",
        "place": {"lon": 116.4, "lat": 39.9, "district": "110101", "grid": None, "address": "东城区"},
        "reporter": {"name": "李四", "phone": "13800138000"},
    }
    case = hub.commit_blocking([Command("case.open", "", body)], "system:test").outcomes[0].subject
    found = hub.views.cases.find(case, EVERYTHING)
    assert found is not None
    reference = found["reporter"]
    with pytest.raises(Invalid, match="purpose"):
        read_personal(hub, reference, "system:test", " ")
    assert read_personal(hub, reference, "system:test", "call back")["phone"] == "13800138000"
    person = hub.journal_read(0, 100, {"personal.read"})[0].subject
    assert [(row["actor"], row["purpose"]) for row in readings(hub, person)] == [("system:test", "call back")]
    assert person_of(hub, case) == person_of(hub, reference) == person_of(hub, person) == person
    erase(hub, person, "asked", "system:test")
    for name, code in ((case, "personal.gone"), ("urn:ngsi-ld:Case:20260302-99", "case.reporter")):
        with pytest.raises(Missing) as gone:
            person_of(hub, name)
        assert gone.value.code == code
    with pytest.raises(Missing):
        read_personal(hub, reference, "system:test", "call back")
    hub.settled_blocking()
    assert not (hub.files.folder / photo.sha256).exists()
    report = check_hub(hub)
    assert report.sound, report.faults
    assert report.erased_persons == 1
    assert b"13800138000" not in (tmp_path / "quanyu.db").read_bytes()
