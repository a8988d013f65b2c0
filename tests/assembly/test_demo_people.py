"""The demo's administrator, whom the first link signs in, walks a case alone; only the check is for somebody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from quanyu.assembly import Options, open_hub
from quanyu.assembly.clock import SimulatedClock
from quanyu.assembly.demo import make_people
from quanyu.kernel.crew import photo
from quanyu.kernel.errors import Denied
from quanyu.kernel.journal import Command
from quanyu.kernel.view import EVERYTHING
from tests.hubs import MORNING


def test_the_first_person_walks_a_case_to_fixed(tmp_path: Path) -> None:
    hub = open_hub(tmp_path, Options(demo=True))
    assert isinstance(hub.clock, SimulatedClock)
    hub.clock.jump(MORNING)
    hub.start()
    make_people(hub)
    photos = [hub.files.keep(photo(number), "image/png") for number in range(2)]
    files = [{"sha256": each.sha256, "type": each.type} for each in photos]

    def act(who: str, action: str, **body: Any) -> None:
        hub.commit_blocking([Command("case.act", case, {"action": action, **body})], who)

    try:
        opened = Command("case.open", "", {"flow": "inspect_source", "text": "工地扬尘"})
        case = hub.commit_blocking([opened], "person:admin").outcomes[0].subject
        act("person:admin", "accept")
        act("person:admin", "dispatch")
        act("person:admin", "inspect", fields={"pm25": 33}, files=files)
        with pytest.raises(Denied) as refused:
            act("person:admin", "check", fields={"passed": True})
        assert refused.value.remedy
        act("person:checker", "check", fields={"passed": True})
        act("person:admin", "close", fields={"outcome": "fixed"})
        found = hub.views.cases.find(case, EVERYTHING)
        assert found is not None
        assert found["outcome"]["word"] == "fixed"
    finally:
        hub.close()
