"""`quanyu import`: files of a declared shape, chunk by chunk, to entities and observations; bad rows are set aside."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import IO

import msgspec

from quanyu.adapters.lake.sheet import parquet_rows
from quanyu.assembly.hub import Hub
from quanyu.kernel.declare import Chunk, City, Reject, Source
from quanyu.kernel.entity import body_of
from quanyu.kernel.errors import Invalid, Missing, QuanyuError
from quanyu.kernel.journal import Command

CHUNK_ROWS = 20_000
READERS_BEHIND_MAX = 8
Progress = Callable[[str, float], None]


class ImportReport(msgspec.Struct):
    """What came in, what did not, and what it led to."""

    files: int = 0
    rows: int = 0
    observations: int = 0
    repeated: int = 0
    rejected: int = 0
    entities: int = 0
    cases: int = 0
    reject_file: str | None = None
    doubts: int = 0
    doubt_file: str | None = None


def import_files(
    hub: Hub, city: City, source: Source, files: Sequence[Path], mode: str, rejects: Path, progress: Progress
) -> ImportReport:
    """Import files; the same chunk twice changes nothing.

    Refused rows go to `rejects` (file, line, column, reason), what is odd about rows that were taken to a file beside it.
    """
    if mode not in ("history", "live"):
        raise Invalid(f"Mode {mode!r} is not known.", code="import.mode", where="--as", remedy="Use history or live.")
    report = ImportReport()
    before = hub.last_seq
    doubted = rejects.with_name(f"{rejects.stem}-doubts{rejects.suffix}")
    with _RejectFile(rejects) as refused, _RejectFile(doubted) as odd:
        for number, path in enumerate(files):
            report.files += 1
            for chunk, broken, share in _chunks(path, source):
                report.rows += len(chunk.lines) + len(broken)
                refused.write(path, broken)
                _import_chunk(hub, city, source, path, chunk, mode, report, refused, odd)
                progress(path.name, (number + share) / len(files))
    hub.settled_blocking(timeout_s=600)
    report.cases = _count_opened(hub, before)
    report.rejected = refused.count
    report.reject_file = str(rejects) if refused.count else None
    report.doubts = odd.count
    report.doubt_file = str(doubted) if odd.count else None
    return report


def _import_chunk(
    hub: Hub,
    city: City,
    source: Source,
    path: Path,
    chunk: Chunk,
    mode: str,
    report: ImportReport,
    refused: _RejectFile,
    odd: _RejectFile,
) -> None:
    found = source.parse(chunk, city)
    refused.write(path, found.rejects)
    odd.write(path, found.doubts)
    if found.commands:
        made = hub.commit_blocking(list(found.commands), f"system:import-{source.name}", atomic=False)
        for number, outcome in enumerate(made.outcomes):
            if outcome.error is None:
                report.entities += 1
            elif found.lines and isinstance(outcome.error, QuanyuError):
                refused.write(path, [Reject(found.lines[number], outcome.error.message, outcome.error.where)])
            elif getattr(outcome.error, "code", "") != "entity.exists":
                raise outcome.error
    if not found.observations:
        return
    body = {**body_of(found.observations), "as": mode}
    digest = sha256(msgspec.msgpack.encode(body)).hexdigest()
    command = Command("observe", f"import:{source.name}", body, f"measured:{path.name}")
    last = hub.last_seq
    receipt = hub.commit_blocking([command], f"system:import-{source.name}", key=f"{source.name}:{digest}")
    if receipt.seq <= last:
        report.repeated += len(found.observations)
    else:
        report.observations += len(found.observations)
    if any(hub.last_seq - runner.seen > READERS_BEHIND_MAX for runner in hub.runners.values()):
        hub.settled_blocking(timeout_s=600)


def _count_opened(hub: Hub, before: int) -> int:
    count, after = 0, before
    while records := hub.journal_read(after, 5_000, {"case.opened"}):
        count += len(records)
        after = records[-1].seq
    return count


def _chunks(path: Path, source: Source) -> Iterator[tuple[Chunk, list[Reject], float]]:
    """Yield chunks of rows as columns, the rows that do not fit the header, and the share of the file read."""
    if not path.is_file():
        raise Missing(f"File {path} does not exist.", code="import.file", where=str(path), remedy="Check the path.")
    if path.suffix == ".parquet":
        yield from _parquet_chunks(path, source)
        return
    with path.open("rb") as raw:
        size = max(1, path.stat().st_size)
        with _text(raw, path) as text:
            rows = csv.reader(text)
            try:
                header = _checked_header(path, source, next(rows, None))
                while batch := list(islice(_numbered(rows), CHUNK_ROWS)):
                    yield *_columns(path, header, batch), min(1.0, raw.tell() / size)
            except (UnicodeDecodeError, csv.Error, EOFError, OSError) as error:
                raise Invalid(
                    f"File {path.name} cannot be read on: {error}.", code="import.broken",
                    where=f"{path.name}:{rows.line_num}", remedy="Save it as UTF-8 CSV; the rows before are in.",
                ) from error  # fmt: skip


def _parquet_chunks(path: Path, source: Source) -> Iterator[tuple[Chunk, list[Reject], float]]:
    batches = parquet_rows(path, CHUNK_ROWS)
    header = _checked_header(path, source, [*next(batches)[0]])
    line = 1
    for rows in batches:
        numbered = [(line + n, list(row)) for n, row in enumerate(rows)]
        line += len(rows)
        yield *_columns(path, header, numbered), 0.5


def _checked_header(path: Path, source: Source, header: list[str] | None) -> list[str]:
    lacking = [name for name in source.columns if name not in (header or ())]
    if header is None or lacking:
        raise Invalid(
            f"File {path.name} lacks the column {lacking[0] if lacking else source.columns[0]!r}.",
            code="import.header",
            where=f"{path.name}:1",
            remedy=f"The header must name: {', '.join(source.columns)}.",
        )
    return header


def _text(raw: IO[bytes], path: Path) -> IO[str]:
    stream = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw
    return io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")


def _numbered(rows: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    for row in rows:
        yield rows.line_num, row  # type: ignore[attr-defined]


def _columns(path: Path, header: list[str], batch: list[tuple[int, list[str]]]) -> tuple[Chunk, list[Reject]]:
    width = len(header)
    broken = [
        Reject(line, f"the row has {len(row)} fields, the header {width}") for line, row in batch if len(row) != width
    ]
    good = [pair for pair in batch if len(pair[1]) == width] if broken else batch
    columns = zip(*(row for _, row in good), strict=True) if good else ((),) * width
    return Chunk(path.name, [line for line, _ in good], dict(zip(header, columns, strict=False))), broken


class _RejectFile:
    """Written only when there is something to write."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None
        self.count = 0

    def __enter__(self) -> _RejectFile:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, path: Path, rejects: Sequence[Reject]) -> None:
        if not rejects:
            return
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("w", encoding="utf-8", newline="")
            csv.writer(self._file).writerow(["file", "line", "column", "reason"])
        csv.writer(self._file).writerows([path.name, each.line, each.column or "", each.reason] for each in rejects)
        self.count += len(rejects)
