"""Drawings in a pack: flows like any other, from the folder to the file that goes out again."""

from __future__ import annotations

import importlib.metadata
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from quanyu.assembly import packs
from quanyu.assembly.catalogue import Catalogue
from quanyu.assembly.law import LawBook
from quanyu.kernel.bpmn import write
from quanyu.kernel.errors import Invalid, Unsupported
from quanyu.kernel.flow import flow_hash
from quanyu.kernel.journal import Row, Table
from quanyu.kernel.pack import Pack, lint, read_pack
from quanyu.kernel.parameter import Parameters
from quanyu.kernel.time import hours
from tests.kernel.bpmn_text import process
from tests.kernel.weaving import woven

POTHOLE = (Path(__file__).parent / "drawings" / "pothole.bpmn").read_bytes()
MANIFEST = """
id = "governance/roads"
measure = "governance"
systems = ["4.1"]
owner = "city.command"
title = { zh = "道路", en = "Roads" }
"""
SAID = """
[[drawn]]
file = "pothole"
name = "mend_pothole"
case = "damage"
overall = "4 hours"
roles = { "道路养护" = "handler" }
"""


def roads(drawings: dict[str, bytes], said: str = SAID) -> Pack:
    return read_pack("governance/roads", {"pack.toml": MANIFEST + said}, {}, [], "Roads.", drawings)


def test_a_plain_drawing_gets_from_the_manifest_what_it_does_not_say() -> None:
    pack = roads({"pothole": POTHOLE, "other": write(woven(4))})
    assert [each.name for each in pack.flows] == ["woven", "mend_pothole"]
    made = pack.flows[1]
    assert (made.case, made.overall, made.get_step("activity_0repair").by) == ("damage", hours(4), "handler")
    assert pack.pictures.keys() == {"woven", "mend_pothole"}
    assert lint([pack]) == []


def test_a_wrong_drawing_names_pack_file_and_line() -> None:
    for content, kind, code in (
        (b"<x", Invalid, "bpmn.xml"),
        (process('<task id="t"/>'), Unsupported, "bpmn.unsupported"),
    ):
        with pytest.raises(kind) as caught:
            roads({"wrong": content}, "")
        assert caught.value.code == code
        assert str(caught.value.where).startswith("governance/roads/flows/wrong.bpmn, line ")


def test_a_drawing_that_is_not_there_is_missed() -> None:
    with pytest.raises(Invalid) as caught:
        roads({})
    assert caught.value.code == "pack.drawing"
    assert "flows/pothole.bpmn" in str(caught.value.remedy)


def test_a_parameter_that_nobody_gives_is_found_by_the_linter() -> None:
    pack = roads({"pothole": POTHOLE}, SAID.replace("4 hours", "parameter:road_limit"))
    assert any("road_limit" in fault for fault in lint([pack]))


class Nothing:
    """A home in which nothing was released."""

    def rows(self, table: Table) -> list[Row]:
        return []


def test_a_folder_on_disk_is_collected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pack of an entry point: the drawing becomes a flow of the city, and goes out with its own picture."""
    folder = tmp_path / "roads_pack"
    (folder / "flows").mkdir(parents=True)
    (folder / "__init__.py").write_text('"""Roads."""\n', encoding="utf-8")
    (folder / "pack.toml").write_text(MANIFEST + SAID, encoding="utf-8")
    (folder / "flows" / "pothole.bpmn").write_bytes(POTHOLE)
    point = EntryPoint(name="governance.roads", value="roads_pack", group=packs.ENTRY_POINTS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [point])
    packs.load_packs.cache_clear()
    try:
        found = {each.id: each for each in packs.load_packs()}
    finally:
        packs.load_packs.cache_clear()
        for name in [name for name in sys.modules if name.partition(".")[0] == "roads_pack"]:
            del sys.modules[name]
    pack = found["governance/roads"]
    assert [each.name for each in pack.flows] == ["mend_pothole"]
    city, given = packs.load_city("beijing"), list(found.values())
    catalogue = Catalogue(city, given, LawBook(given, Parameters(), city, Nothing()))
    picture = catalogue.picture(flow_hash(pack.flows[0]))
    assert picture is not None
    assert b'<dc:Bounds x="470" y="250" width="100" height="80"/>' in write(pack.flows[0], picture)
    assert catalogue.picture("0" * 32) is None
