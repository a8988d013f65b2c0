"""Packs that cannot be read are refused with the file and what to write instead."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from quanyu.assembly.packs import load_packs
from quanyu.kernel.errors import Invalid
from quanyu.kernel.pack import Pack, lint, read_pack

MANIFEST = """
id = "green/small"
measure = "green"
systems = ["6.1"]
owner = "city.command"
title = { zh = "小", en = "Small" }
"""
TYPES = (
    "type,attribute,kind,unit,zh,en,description,personal,keep\nRoad,speed,number,KMH,车速,Speed,mean,none,telemetry\n"
)


def small(
    manifest: str = MANIFEST, tables: dict[str, str] | None = None, folder: str = "green/small", **texts: str
) -> Pack:
    named = {name.replace("__", "."): text for name, text in texts.items()}
    return read_pack(folder, {"pack.toml": manifest, **named}, tables or {}, [], "Small.")


def test_a_small_pack_is_read() -> None:
    pack = small(types__csv=TYPES)
    assert (pack.id, pack.measure, pack.types[0].unit) == ("green/small", "green", "KMH")
    assert lint([pack]) == []


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('id = "green/small"', 'id = "green/other"', "pack.id"),
        ('measure = "green"', 'measure = "data"', "pack.id"),
        ('systems = ["6.1"]', 'systems = ["13.1"]', "pack.system"),
        ('systems = ["6.1"]', "systems = []", "pack.system"),
        ('owner = "city.command"', "", "pack.manifest"),
        ('owner = "city.command"', 'owner = "a"\ncolour = "red"', "pack.manifest"),
        (', en = "Small"', "", "pack.title"),
        ("systems = [", "systems = ", "pack.toml"),
    ],
)
def test_a_wrong_manifest_is_refused(old: str, new: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        small(MANIFEST.replace(old, new))
    assert refused.value.code == code
    assert refused.value.where == "green/small/pack.toml"


def test_a_folder_outside_the_measures_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        small(MANIFEST.replace("green", "purple"), folder="purple/small")
    assert refused.value.code == "pack.system"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("number,KMH", "figure,KMH", "pack.type_word"),
        ("none,telemetry", "secret,telemetry", "pack.type_word"),
        ("none,telemetry", "none,forever", "pack.type_word"),
        ("speed,number", ",number", "pack.type_word"),
        ("KMH", "KM/H", "pack.unit"),
        ("车速", "", "pack.title"),
        ("type,attribute", "type,name", "sheet.header"),
    ],
)
def test_a_wrong_row_of_types_is_refused_with_its_line(old: str, new: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        small(types__csv=TYPES.replace(old, new))
    assert refused.value.code == code
    assert "types.csv, line" in str(refused.value.where)


def test_twelve_vital_signs_are_enough() -> None:
    packs = load_packs()
    assert any(
        "vital signs are declared" in fault
        for fault in lint([*packs, *(replace(pack, parameters=()) for pack in packs)])
    )
