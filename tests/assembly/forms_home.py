"""A simulated home with the forms of `tests.kernel.forms_text`, and people of the departments that keep its registers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from quanyu.assembly import Hub, Options, open_hub, opening
from quanyu.assembly.clock import SimulatedClock
from quanyu.assembly.packs import load_packs
from quanyu.kernel.journal import Command
from quanyu.kernel.pack import read_pack
from tests.hubs import MORNING
from tests.kernel.forms_text import ELEMENTS, SHOP

MANIFEST = """
id = "services/shops"
measure = "services"
systems = ["5.1"]
owner = "city.command"
title = { zh = "开店", en = "Shops" }
"""
FIRM = "firm:91350100M000100Y43"
WANG = "person:wang"


@contextmanager
def forms_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Open a home whose only forms are those of a small pack; its city time stands at MORNING."""
    texts = {"pack.toml": MANIFEST, "forms.toml": ELEMENTS + SHOP}
    pack = read_pack("services/shops", texts, {}, [], "Shops.")
    others = [each for each in load_packs() if not each.forms and not each.elements]
    monkeypatch.setattr(opening, "load_packs", lambda: (*others, pack))
    hub = open_hub(home, Options(demo=True))
    assert isinstance(hub.clock, SimulatedClock)
    hub.clock.jump(MORNING)
    hub.start()
    try:
        yield hub
    finally:
        hub.close()


def hire(hub: Hub, person: str, role: str, unit: str | None = None) -> str:
    """Make somebody who works in a unit."""
    id = f"person:{person}"
    made = [
        Command("person.put", id, {"name": person, "unit": unit}),
        Command("role.grant", id, {"role": role, "unit": unit}),
    ]
    hub.commit_blocking(made, "system:test")
    return id


def put(subject: str, values: dict[str, object], register: str = "firms", as_of: str = "2026-02-28") -> Command:
    """Return what a department's system sends."""
    body = {"register": register, "values": values, "as_of": as_of, "source": "yearly report"}
    return Command("register.put", subject, body)
