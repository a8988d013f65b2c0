"""`quanyu export`: everything a home holds in open formats, without personal data."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from quanyu.adapters.lake.store import LakeStore
from quanyu.assembly.drawing import drawing_of
from quanyu.assembly.hub import Hub
from quanyu.kernel.errors import Conflict
from quanyu.kernel.view import EVERYTHING, CaseQuery, Query

PAGE = 1000
Progress = Callable[[str, float], None]


def export(hub: Hub, target: Path, progress: Progress) -> dict[str, Any]:
    """Write entities, cases, kept records (JSON lines), declarations, drawings of flows (BPMN 2.0) and the history's Delta table.

    Records name personal data by reference only, so none leaves the vault. `manifest.json` holds every file's digest.
    """
    if target.exists() and any(target.iterdir()):
        raise Conflict(
            f"Folder {target} is not empty.", code="export.occupied", where=str(target), remedy="Name a new folder."
        )
    target.mkdir(parents=True, exist_ok=True)
    hub.settled_blocking(timeout_s=600)
    hub.flush_history()
    seq = hub.last_seq
    parts: dict[str, Callable[[], Iterable[Any]]] = {
        "entities.ndjson": lambda: _entities(hub),
        "cases.ndjson": lambda: _cases(hub),
        "journal.ndjson": lambda: _records(hub, seq),
        "indicators.ndjson": hub.views.indicators.current,
        "parameters.ndjson": hub.catalogue.parameters,
        "types.ndjson": hub.catalogue.types,
        "flows.ndjson": hub.catalogue.flows,
        "rules.ndjson": hub.catalogue.rules,
        "forms.ndjson": lambda: _forms(hub),
        "tables.ndjson": lambda: _tables(hub),
    }
    rows = {}
    for number, (name, items) in enumerate(parts.items()):
        rows[name] = _write(target / name, items())
        progress(name, (number + 1) / (len(parts) + 1))
    _draw_flows(hub, target / "flows")
    lake = _copy_history(hub, seq, target)
    progress("history", 1.0)
    files = {str(path.relative_to(target)): _digest(path) for path in sorted(target.rglob("*")) if path.is_file()}
    manifest = {
        "format": 1,
        "seq": seq,
        "city": hub.city.code,
        "simulated": hub.simulated,
        "rows": rows,
        "files": files,
    }
    (target / "manifest.json").write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    return {"seq": seq, "folder": str(target), "rows": rows, "history_files": lake}


def _entities(hub: Hub) -> Iterator[Mapping[str, Any]]:
    """Yield documents with their last values; personal attributes stay out."""
    scope = msgspec.structs.replace(EVERYTHING, masked=hub.access.personal)
    after: str | None = None
    while True:
        page = hub.views.entities.query(Query(limit=PAGE, after=after), scope)
        yield from page.items
        if page.after is None:
            return
        after = page.after


def _cases(hub: Hub) -> Iterator[Mapping[str, Any]]:
    after: str | None = None
    while True:
        page = hub.views.cases.query(CaseQuery(list="all", sort="opened", limit=PAGE, after=after), EVERYTHING)
        for summary in page.items:
            yield hub.views.cases.find(summary["id"], EVERYTHING) or summary
        if page.after is None:
            return
        after = page.after


def _records(hub: Hub, upto: int) -> Iterator[Mapping[str, Any]]:
    """Yield the records that are kept for ever; digests of secrets are left out, they open nothing but help a guesser."""
    kinds = [kind.name for engine in hub.engines for kind in engine.kinds if kind.life == "kept"]
    after = 0
    while records := hub.journal_read(after, PAGE, kinds):
        for record in records:
            if record.seq > upto:
                return
            body = None if record.body is None else {k: v for k, v in record.body.items() if k != "digest"}
            yield {**msgspec.structs.asdict(record), "body": body}
        after = records[-1].seq


def _forms(hub: Hub) -> Iterator[Mapping[str, Any]]:
    """Yield what the packs ask people for: elements first, then the forms that take them up."""
    for word, kind in (("element", "elements"), ("form", "forms")):
        for pack in hub.packs:
            yield from ({"pack": pack.id, word: msgspec.to_builtins(each)} for each in getattr(pack, kind))


def _tables(hub: Hub) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of the packs' tables as this city has them: its own rows in place of the packs'."""
    for pack in hub.packs:
        for name, rows in pack.tables.items():
            yield from ({"pack": pack.id, "table": name, "row": dict(row)} for row in rows)


def _draw_flows(hub: Hub, folder: Path) -> None:
    folder.mkdir()
    for document in hub.catalogue.flows():
        drawing = drawing_of(hub.catalogue, document["name"])
        (folder / f"{document['name']}.bpmn").write_text(drawing, encoding="utf-8")


def _write(path: Path, items: Iterable[Any]) -> int:
    count = 0
    with path.open("wb") as file:
        for item in items:
            file.write(msgspec.json.encode(item) + b"\n")
            count += 1
    return count


def _copy_history(hub: Hub, seq: int, target: Path) -> int:
    names = list(LakeStore(hub.home / "lake").snapshot(seq).files)
    for name in names:
        destination = target / name
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(hub.home / name, destination)
    return len(names)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
