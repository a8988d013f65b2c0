"""Materials of an application: photos and PDF, judged by what they are and not by what they are called."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Final

import msgspec

from quanyu.faces.web.form import Posted
from quanyu.faces.web.page import Visit
from quanyu.faces.web.photos import FAULTS, _workers
from quanyu.faces.web.report_form import Fault
from quanyu.kernel.errors import Invalid
from quanyu.kernel.form import Page

KEPT: Final = "material"
NAME_MAX: Final = 80
_ODD: Final = re.compile(r"[\x00-\x1f\x7f/\\]")
_IMAGE: Final = "image/"
KINDS: Final[Mapping[str, str]] = {"pdf": "application/pdf", **dict.fromkeys(("jpg", "jpeg", "png", "webp"), _IMAGE)}
"""What a file that bears an ending has to be."""


class Material(msgspec.Struct, frozen=True):
    """What came of the uploads of one question: all files of the answer, the new ones among them, and faults."""

    files: tuple[Mapping[str, str], ...] = ()
    fresh: tuple[dict[str, str], ...] = ()
    faults: tuple[Fault, ...] = ()


async def take_files(visit: Visit, posted: Posted, page: Page) -> Material:
    """Store what was uploaded for a question beside what was kept; what is refused becomes a fault, never an error."""
    dropped = set(posted.lists.get("drop", []))
    names = {each: posted.get(f"name-{each}")[:NAME_MAX] for each in posted.lists.get("kept", [])}
    known: tuple[str, ...] = page.value if isinstance(page.value, tuple) else ()
    signed = {visit.seal.open(KEPT, each) or "" for each in posted.lists.get("signed", [])}
    files: list[Mapping[str, str]] = [
        {"sha256": each, "name": names.get(each) or each[:8], "type": ""}
        for each in dict.fromkeys((*known, *sorted(signed - {""})))
        if each not in dropped
    ]
    fresh: list[dict[str, str]] = []
    faults: list[Fault] = []
    for number, content in enumerate(posted.uploads):
        if not content:
            continue
        if len(files) >= page.files_max:
            faults.append(Fault("answer", "fault.files_many", {"count": page.files_max}))
            break
        name = _ODD.sub("", posted.names[number] if number < len(posted.names) else "")[-NAME_MAX:]
        stored = await asyncio.get_running_loop().run_in_executor(_workers, _stored, visit, content, name)
        if isinstance(stored, Fault):
            faults.append(stored)
            continue
        fresh.append(stored)
        if all(each["sha256"] != stored["sha256"] for each in files):
            files.append(stored)
    return Material(tuple(files), tuple(fresh), tuple(faults))


def _stored(visit: Visit, content: bytes, name: str) -> dict[str, str] | Fault:
    try:
        kept = visit.hub.files.put(content)
    except Invalid as error:
        key = "fault.file_type" if error.code == "file.type" else FAULTS.get(error.code, "fault.photo_broken")
        return Fault("answer", key, {"name": name} if key == "fault.file_type" else {})
    said = KINDS.get(name.rpartition(".")[2].lower(), "")
    if said and not kept.type.startswith(said):
        return Fault("answer", "fault.file_lies", {"name": name, "type": kept.type})
    return {"sha256": kept.sha256, "type": kept.type, "name": name or kept.sha256[:8]}
