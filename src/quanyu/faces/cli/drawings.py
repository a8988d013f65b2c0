"""Drawings at the terminal: a file judged against the packs and a city, without a home."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from quanyu.assembly.drawing import judge_drawing, read_given
from quanyu.assembly.packs import load_city, load_packs
from quanyu.faces.cli import show
from quanyu.kernel.bpmn import BYTES_MAX
from quanyu.kernel.errors import Missing


def judged(
    file: Path, city: str, name: str | None, case: str | None, overall: str | None, roles: Sequence[str]
) -> dict[str, Any]:
    """Return what a drawing would be in a city with its packs; Missing when the file is not there."""
    if not file.is_file():
        raise Missing(f"File {file} does not exist.", code="file.absent", where="FILE", remedy="Check the path.")
    with file.open("rb") as opened:
        content = opened.read(BYTES_MAX + 1)
    packs = load_packs()
    return judge_drawing(
        content,
        read_given(name, case, overall, roles),
        [flow for pack in packs for flow in pack.flows],
        {row.id for pack in packs for row in pack.parameters},
        {unit["id"] for unit in load_city(city).units},
    )


def tell(file: Path, verdict: dict[str, Any]) -> None:
    """Print what a drawing would be, and what stands against it."""
    found = verdict["definition"]
    if found is not None:
        said = {"flow": found["name"], "case": found["case"], "title": found["title"], "overall": found["overall"]}
        show.facts(str(file), {**said, "roles": found["roles"], "hash": verdict["hash"], "picture": verdict["picture"]})
        show.rows("Steps", found["steps"], ("name", "kind", "by", "title", "within"))
    parts = (
        ("Assumed", "assumed", ("line", "element", "what", "value")),
        ("Read past", "left_out", ("line", "element", "id", "name")),
        ("Not supported", "unsupported", ("line", "element", "id", "name")),
    )
    for title, part, columns in parts:
        if verdict[part]:
            show.rows(title, verdict[part], columns)
    for each in verdict["faults"]:
        show.plain(f"Refused: {each['message']}\nWhere: {each['where']}\nTo do: {each['remedy']}")
    if verdict["ok"]:
        show.plain("Sound: it would load.")
