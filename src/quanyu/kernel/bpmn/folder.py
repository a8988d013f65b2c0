"""Drawings in the folder of a pack (`flows/*.bpmn`): flows like any other, with their pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from quanyu.kernel.bpmn.read import Drawing, Given, read_drawing
from quanyu.kernel.bpmn.span import read_limit
from quanyu.kernel.errors import Invalid, QuanyuError


class Drawn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What pack.toml says for a plain drawing (`[[drawn]]`): `file` without `.bpmn`, a limit as text, roles by lane."""

    file: str
    name: str | None = None
    case: str | None = None
    overall: str | None = None
    roles: Mapping[str, str] = {}

    def given(self, where: str) -> Given:
        """Return it as the reader takes it."""
        overall = None if self.overall is None else read_limit(self.overall, where)
        return Given(name=self.name, case=self.case, overall=overall, roles=self.roles)


def read_folder(pack: str, files: Mapping[str, bytes], said: Sequence[Drawn]) -> list[Drawing]:
    """Return the drawings of a pack by the name of their file; every error names the file and the line."""
    told = {each.file: each for each in said}
    if unknown := sorted(told.keys() - files.keys()):
        raise Invalid(
            f"pack.toml speaks of the drawing {unknown[0]!r}, which is not there",
            code="pack.drawing",
            where=f"{pack}/pack.toml",
            remedy=f"put flows/{unknown[0]}.bpmn into the folder of the pack",
        )
    drawings = []
    for name in sorted(files):
        try:
            given = told[name].given(f"{pack}/pack.toml") if name in told else None
            drawings.append(read_drawing(files[name], given))
        except QuanyuError as fault:
            fault.where = f"{pack}/flows/{name}.bpmn, {fault.where}"
            raise
    return drawings
