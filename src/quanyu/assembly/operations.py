"""What an operator asks of a home: run by the process that owns it, called from there or through its socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from quanyu.adapters.lake.store import LakeStore
from quanyu.assembly import doors
from quanyu.assembly.applications import citizen_link
from quanyu.assembly.calendar import edit_calendar
from quanyu.assembly.drawing import drawing_of
from quanyu.assembly.export import export
from quanyu.assembly.hub import Hub
from quanyu.assembly.importing import import_files
from quanyu.assembly.keeping import backup_home, check_hub, checkpoint, erase, prune
from quanyu.assembly.mapping import load_mapping
from quanyu.assembly.opening import define_flows
from quanyu.assembly.personal import person_of
from quanyu.assembly.registers import register_source
from quanyu.assembly.seals import differences, read_dossier
from quanyu.kernel.declare import Source
from quanyu.kernel.errors import Conflict, Missing, Unsupported

Progress = Callable[[str, float], None]


def run_operation(hub: Hub, name: str, arguments: Mapping[str, Any], progress: Progress) -> Any:
    """Run an operation by name and return a JSON-ready result; Unsupported lists the operations there are."""
    operation = OPERATIONS.get(name)
    if operation is None:
        raise Unsupported(
            f"Operation {name!r} does not exist.", code="operation.unknown", where="name",
            remedy=f"Use one of: {', '.join(sorted(OPERATIONS))}.",
        )  # fmt: skip
    return msgspec.to_builtins(operation(hub, progress, **arguments))


def _import(hub: Hub, progress: Progress, kind: str, files: list[str], mode: str, mapping: str | None = None) -> Any:
    source = load_mapping(Path(mapping)) if mapping else _source(hub, kind)
    if mode == "live" and hub.simulated:
        raise Conflict(
            "A simulated home refuses real sources as live.",
            code="import.simulated",
            where="--as",
            remedy="Import them --as history, or into a home that is not simulated.",
        )
    rejects = hub.home / "rejects" / f"{source.name}-{hub.last_seq}.csv"
    return import_files(hub, hub.city, source, [Path(file) for file in files], mode, rejects, progress)


def _source(hub: Hub, kind: str) -> Source:
    sources = {source.name: source for pack in hub.packs for source in pack.sources}
    sources["register"] = register_source(hub)
    if kind not in sources:
        known = ", ".join([*sorted(sources), "observations (with --mapping)"])
        raise Missing(
            f"No pack reads files of kind {kind!r}.", code="import.kind", where="KIND", remedy=f"Use: {known}."
        )
    return sources[kind]


def _backup(hub: Hub, progress: Progress, target: str) -> Any:
    hub.flush_history()
    lake = LakeStore(hub.home / "lake")
    manifest = backup_home(hub.home, Path(target), lambda seq: lake.snapshot(seq).files, hub.machine(), progress)
    return {"seq": manifest.seq, "files": len(manifest.files), "bytes": Path(target).stat().st_size}


def _checkpoint(hub: Hub, progress: Progress, prune_telemetry: bool = False) -> Any:
    hub.settled_blocking(timeout_s=600)
    hub.put_down()
    seq = checkpoint(hub, hub.engines)
    pruned = prune(hub, min(seq, *(runner.cursor for runner in hub.runners.values()))) if prune_telemetry else 0
    return {"seq": seq, "pruned": pruned}


def _erase(hub: Hub, progress: Progress, person: str, reason: str) -> Any:
    found = person_of(hub, person)
    return {"person": found, "seq": erase(hub, found, reason, "system:operator").seq}


def _check(hub: Hub, progress: Progress) -> Any:
    return check_hub(hub, progress)


def _check_dossier(hub: Hub, progress: Progress, file: str) -> Any:
    document = read_dossier(Path(file))
    seals = document.get("seals")
    return {"records": len(seals["records"]) if seals else 0, "faults": differences(hub.store, seals or {})}


def _edit_calendar(hub: Hub, progress: Progress, days: dict[str, bool], source: str) -> Any:
    return edit_calendar(hub, days, source, "system:operator")


def _accept_time(hub: Hub, progress: Progress) -> Any:
    """Let the journal go on although the clock stands before its last record (an administrator's decision)."""
    hub.writer.accept_time()
    define_flows(hub)
    return {"at": hub.clock.now()}


def _export(hub: Hub, progress: Progress, target: str) -> Any:
    return export(hub, Path(target), progress)


def _sign_in(hub: Hub, progress: Progress, **arguments: Any) -> Any:
    return doors.sign_in_link(hub, **arguments)


def _citizen_link(hub: Hub, progress: Progress, subject: str) -> Any:
    return citizen_link(hub.home, subject, hub.machine()) | {"url": hub.url}


def _issue_token(hub: Hub, progress: Progress, **arguments: Any) -> Any:
    return doors.issue_token(hub, **arguments)


def _list_tokens(hub: Hub, progress: Progress) -> Any:
    return doors.list_tokens(hub)


def _revoke_token(hub: Hub, progress: Progress, id: str) -> Any:
    return doors.revoke_token(hub, id)


def _draw(hub: Hub, progress: Progress, name: str) -> Any:
    return drawing_of(hub.catalogue, name)


OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "import": _import,
    "backup": _backup,
    "checkpoint": _checkpoint,
    "erase": _erase,
    "check": _check,
    "check-dossier": _check_dossier,
    "accept-time": _accept_time,
    "export": _export,
    "sign-in": _sign_in,
    "citizen-link": _citizen_link,
    "token.issue": _issue_token,
    "token.list": _list_tokens,
    "token.revoke": _revoke_token,
    "edit-calendar": _edit_calendar,
    "flow.draw": _draw,
}
