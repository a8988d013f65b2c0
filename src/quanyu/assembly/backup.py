"""Backup and restore: store, checkpoints, history and files of a home at one seq, in one file."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from quanyu.assembly.files import sync_folder
from quanyu.kernel.errors import Conflict, Invalid

FORMAT = 1
DATABASE = "quanyu.db"
Progress = Callable[[str, float], None]


class Manifest(msgspec.Struct, frozen=True):
    """First member of a backup: what it holds, and the digest of every member."""

    format: int
    seq: int
    made_at: int
    files: dict[str, str]
    erased: list[str] = []


def backup(
    home: Path,
    target: Path,
    copy_store: Callable[[Path], int],
    history: Callable[[int], Sequence[str]],
    made_at: int,
    progress: Progress,
) -> Manifest:
    """Write a backup: the store as it stands, then the files of the history that hold no row after the store's seq."""
    if target.exists():
        raise Conflict(
            f"File {target} exists already.", code="backup.exists", where=str(target), remedy="Choose another name."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup-") as folder:
        progress("store", 0.0)
        database = Path(folder) / DATABASE
        seq = copy_store(database)
        lake = list(history(seq))
        members: dict[str, Path] = {DATABASE: database}
        members |= {name: home / name for name in lake}
        for part in ("checkpoints", "files"):
            if (home / part).is_dir():
                members |= {f"{part}/{path.name}": path for path in sorted((home / part).iterdir()) if _kept(path)}
        digests = {}
        for number, (name, path) in enumerate(members.items()):
            digests[name] = _digest(path)
            progress("digests", 0.1 + 0.4 * number / len(members))
        manifest = Manifest(FORMAT, seq, made_at, digests)
        part_file = target.with_name(f".{target.name}.part")
        try:
            _pack(part_file, manifest, members, folder, progress)
            part_file.rename(target)
        finally:
            part_file.unlink(missing_ok=True)
        sync_folder(target.parent)
    return manifest


def _pack(part_file: Path, manifest: Manifest, members: dict[str, Path], folder: str, progress: Progress) -> None:
    with part_file.open("wb") as raw:
        with tarfile.open(fileobj=raw, mode="w") as archive:
            head = Path(folder) / "manifest.json"
            head.write_bytes(msgspec.json.encode(manifest))
            archive.add(head, "manifest.json")
            for number, (name, path) in enumerate(members.items()):
                archive.add(path, name, recursive=False)
                progress("files", 0.5 + 0.5 * number / len(members))
        raw.flush()
        os.fsync(raw.fileno())


def _kept(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".") and path.suffix != ".part"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(source: Path) -> Manifest:
    """Return what a backup says it holds; Invalid when it is not one."""
    try:
        with tarfile.open(source, "r:") as archive:
            first = archive.next()
            file = archive.extractfile(first) if first is not None and first.name == "manifest.json" else None
            if file is None:
                raise Invalid(f"File {source} does not begin with a manifest.", code="backup.shape", where=str(source))
            manifest = msgspec.json.decode(file.read(), type=Manifest)
    except (tarfile.TarError, OSError, msgspec.DecodeError, msgspec.ValidationError) as error:
        raise Invalid(
            f"File {source} is not a backup of a home: {error}.", code="backup.shape", where=str(source),
            remedy="Name a file that `quanyu backup` wrote.",
        ) from error  # fmt: skip
    if manifest.format > FORMAT:
        raise Conflict(f"Backup {source} was written by a newer Quanyu.", code="backup.newer", remedy="Upgrade first.")
    return manifest


def restore(source: Path, home: Path, progress: Progress) -> Manifest:
    """Unpack a backup into an empty home; every member is compared with its digest before the home takes its place."""
    manifest = read_manifest(source)
    if home.exists() and any(path.name != "lock" for path in home.iterdir()):
        raise Conflict(
            f"Home {home} is not empty.", code="restore.occupied", where=str(home),
            remedy="Restore into a new --home, or move the old one away.",
        )  # fmt: skip
    home.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(dir=home.parent, prefix=".restore-"))
    try:
        _unpack(source, manifest, staging, progress)
        home.mkdir(exist_ok=True)
        for path in staging.iterdir():
            path.rename(home / path.name)
        sync_folder(home)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return manifest


def _unpack(source: Path, manifest: Manifest, staging: Path, progress: Progress) -> None:
    done: set[str] = set()
    with tarfile.open(source, "r:") as archive:
        for member in archive:
            if member.name == "manifest.json":
                continue
            expected = manifest.files.get(member.name)
            if expected is None or not member.isfile():
                raise Invalid(f"Backup holds {member.name!r}, which its manifest does not name.", code="backup.member")
            archive.extract(member, staging, filter="data")
            if _digest(staging / member.name) != expected:
                raise Invalid(f"Member {member.name} of the backup does not match its digest.", code="backup.damaged")
            done.add(member.name)
            progress("restore", len(done) / len(manifest.files))
    missing = manifest.files.keys() - done
    if missing:
        raise Invalid(f"Backup lacks {sorted(missing)[0]!r} and {len(missing) - 1} more.", code="backup.damaged")
