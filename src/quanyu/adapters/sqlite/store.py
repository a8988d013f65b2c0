"""The state store on SQLite: WAL, synchronous=FULL, one writing connection, read connections per thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar

import apsw

from quanyu.adapters.sqlite import heads, press
from quanyu.adapters.sqlite.heads import ENDS, Heads
from quanyu.adapters.sqlite.press import Press
from quanyu.adapters.sqlite.statements import (
    Statements,
    delete_sql,
    fetch_some_sql,
    fetch_sql,
    portions,
    sized,
    upsert_sql,
)
from quanyu.adapters.sqlite.statements import column_names as column_names
from quanyu.adapters.sqlite.statements import declaration as declaration
from quanyu.kernel.errors import Conflict, Unavailable
from quanyu.kernel.journal import Group, Head, Instant, Row, Store, Stored, Table, digest_of

SCHEMA_VERSION = 9
MIGRATIONS: Mapping[int, str] = {
    # Instances of the history hold more than texts.
    1: """
    CREATE TABLE IF NOT EXISTS instances (
        entity TEXT, attribute TEXT, dataset TEXT, observed_at INTEGER, at INTEGER, value TEXT, quality TEXT,
        source TEXT, seq INTEGER, offset INTEGER, PRIMARY KEY (entity, attribute, dataset, observed_at)
    ) WITHOUT ROWID;
    ALTER TABLE instances ADD COLUMN modified INTEGER;
    ALTER TABLE instances ADD COLUMN by INTEGER;
    UPDATE instances SET value = json_object('type', 'Property', 'value', value), modified = at, by = seq;
    """,
    # Cases lie in rows of another layout, which are folded again from the journal.
    2: """
    DROP TABLE IF EXISTS case_search;
    DROP TABLE IF EXISTS case_text;
    DROP TABLE IF EXISTS case_file;
    DROP TABLE IF EXISTS case_action;
    DROP TABLE IF EXISTS case_index;
    DROP TABLE IF EXISTS case_reach;
    DROP TABLE IF EXISTS case_timer;
    """,
    # A digest is kept only where its body has gone, a link only with the last record of a commit. Those that stand are
    # the links of commits of one record each.
    3: """
    CREATE TABLE journal_4 (
        seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, kind TEXT NOT NULL, version INTEGER NOT NULL,
        subject TEXT NOT NULL, body BLOB, cause INTEGER, provenance TEXT NOT NULL, salt BLOB, digest BLOB, chain BLOB);
    INSERT INTO journal_4 SELECT seq, at, actor, kind, version, subject, body, cause, provenance, salt,
        CASE WHEN body IS NULL THEN digest END, chain FROM journal;
    DROP TABLE journal;
    ALTER TABLE journal_4 RENAME TO journal;
    """,
    # Rows of cases may lag behind the journal, and heads of records are in codes: who does not know it would misread them.
    4: "",
    # Entities that wait to be indexed stand in other rows; the indexes are made again anyway.
    5: "DROP TABLE IF EXISTS unindexed",
    # Whose cases they are stands in rows of its own: the rows of cases are folded again from the first record.
    6: "INSERT OR REPLACE INTO reader VALUES ('refold:cases', 0, '')",
    # Rows of entities lag, too, and nothing marks those that are not indexed: the indexes are made again.
    7: "DROP TABLE IF EXISTS unindexed",
    # Where an entity's life began is said of those that come from now on; of the others table `described` says it.
    8: "ALTER TABLE entity ADD COLUMN born INTEGER",
}
"""DDL that takes a database from a version to the next; kept for ever, like upcasters."""
WAL_PAGES = 4000
BUSY_MS = 10_000
KEYS_MAX = 256
STATEMENTS_MAX = 1_000
"""Prepared statements that a writing connection keeps: some sizes of every table."""
SOME_ROWS = 64
"""More rows of a table with several key columns are written in the order of the first."""
FIRST = itemgetter(0)
MAPPED_BYTES_MAX = 2_000_000_000
"""Of the file, so much is read in place: a page beyond costs a system call and a copy, cold ones several."""
COPIED_KIB_MAX = 4_096
"""Pages that `copying` keeps: those that lead to the rows of a million entities, and some more."""

JOURNAL = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS journal (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, kind TEXT NOT NULL, version INTEGER NOT NULL,
    subject TEXT NOT NULL, body BLOB, cause INTEGER, provenance TEXT NOT NULL, salt BLOB, digest BLOB, chain BLOB);
"""
VAULT = """
CREATE INDEX IF NOT EXISTS personal_person ON personal (person);
"""
FORGET_BODIES = """
UPDATE journal SET digest = digest_of(salt, body), body = NULL, salt = NULL WHERE seq <= ? AND body IS NOT NULL
AND length(salt) < 20
"""
FORGOTTEN_INSTANCES = """
DELETE FROM instances WHERE entity IN (SELECT entity FROM forgotten) AND EXISTS (
    SELECT 1 FROM forgotten f WHERE f.entity = instances.entity AND instances.by < f.upto
    AND (f.attribute = '' OR (f.attribute = instances.attribute AND f.dataset IN ('*', instances.dataset))))
"""


def _count_no_memory() -> None:
    """Let SQLite allocate without counting: every count takes a lock, and nobody asks for them.

    It takes that between a shutdown and a start alone, and while it works it is not shut down.
    """
    if not apsw.connections():
        apsw.shutdown()
        apsw.config(apsw.SQLITE_CONFIG_MEMSTATUS, False)
        apsw.initialize()


Connection = TypeVar("Connection", bound=apsw.Connection)


class Reading(apsw.Connection):
    """A connection for reading; `settle` before looking at tables that lag."""

    store: SqliteStore

    def settle(self, tables: Collection[str]) -> None:
        """Return when every row of these tables that follows from what was acknowledged is written."""
        if self.store.waits and not self.store.waits.isdisjoint(tables):
            self.store.settle()


class SqliteStore(Store):
    """A home's database. `write` belongs to the writer's thread; everything else may be called from any thread."""

    def __init__(
        self,
        path: Path | str,
        tables: Iterable[Table],
        schemas: Iterable[str] = (),
        migrations: Mapping[int, str] = MIGRATIONS,
    ) -> None:
        self.path = str(path)
        self._migrations = migrations
        self._version = SCHEMA_VERSION + len(migrations) - len(MIGRATIONS)
        self.tables = {table.name: table for table in tables}
        self.durable = True
        self.waits = frozenset[str]()
        self.strides = 0
        self.settle: Callable[[], None] = lambda: None
        self.lacks: Callable[[Table, Any], bool] = lambda table, key: False
        self._local = threading.local()
        _count_no_memory()
        self._writer = self._open(apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE, apsw.Connection)
        self._prepare(schemas)
        self.press = Press()
        self.press.load(self._writer)
        self.heads = Heads(self.press)
        self.heads.load(self._writer)
        self._fetch = {table.name: fetch_sql(table) for table in self.tables.values()}
        self._fetch_some = {t.name: fetch_some_sql(t) for t in self.tables.values() if t.keys == 1}
        self._upsert = {table.name: upsert_sql(table) for table in self.tables.values()}
        self._insert_record = sized("journal", 12, "")
        self._delete = {table.name: delete_sql(table) for table in self.tables.values()}

    def _open(self, flags: int, kind: type[Connection]) -> Connection:
        try:
            connection = kind(self.path, flags=flags | apsw.SQLITE_OPEN_URI, statementcachesize=STATEMENTS_MAX)
            connection.set_busy_timeout(BUSY_MS)
            connection.execute("PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY")
            connection.execute(f"PRAGMA mmap_size = {MAPPED_BYTES_MAX}")
        except apsw.Error as error:
            raise Unavailable(
                f"Database {self.path} does not open: {error}.",
                code="store.open",
                where=self.path,
                remedy="Check that the folder exists and may be written, or restore a backup.",
            ) from error
        return connection

    def _prepare(self, schemas: Iterable[str]) -> None:
        connection = self._writer
        connection.create_scalar_function("digest_of", digest_of, 2, deterministic=True)  # type: ignore[arg-type]
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = {WAL_PAGES}")
        found = int(connection.pragma("user_version"))
        if found > self._version:
            raise Conflict(
                f"Home {self.path} was written by a newer Quanyu (schema {found}, this one knows {self._version}).",
                code="store.newer",
                where=self.path,
                remedy="Upgrade Quanyu, or restore a backup made by this version.",
            )
        if 0 < found < self._version:
            self._keep_copy(found)
        with connection:
            for version in range(found or self._version, self._version):
                connection.execute(self._migrations[version])
            connection.execute(JOURNAL + heads.SCHEMA + press.SCHEMA)
            for table in self.tables.values():
                connection.execute(declaration(table))
            connection.execute(VAULT if "personal" in self.tables else "")
            for schema in schemas:
                connection.execute(schema)
            connection.execute(f"PRAGMA user_version = {self._version}")

    def _keep_copy(self, version: int) -> None:
        """Copy the database beside itself before its tables change."""
        self.backup(Path(f"{self.path}.schema-{version}"))

    def set_durable(self, durable: bool) -> None:
        """Sync every group (always, while anybody is answered), or none: only for a past that is being made up."""
        self._writer.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        self.durable = durable
        if durable:
            self.sync()

    def sync(self) -> None:
        """Make durable what was written without a sync."""
        self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def connection(self) -> Reading:
        """Return this thread's read-only connection."""
        connection: Reading | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._reading()
        return connection

    def copying(self) -> Reading:
        """Return this thread's read-only connection for single rows here and there: it copies their pages.

        Every commit undoes a map. Who reads many pages of a region soon has it back; who reads one row pays for finding its
        page, and then for every line of it that nobody has touched for long.
        """
        connection: Reading | None = getattr(self._local, "copying", None)
        if connection is None:
            connection = self._local.copying = self._reading()
            connection.execute(f"PRAGMA mmap_size = 0; PRAGMA cache_size = -{COPIED_KIB_MAX}").fetchall()
        return connection

    def _reading(self) -> Reading:
        connection = self._open(apsw.SQLITE_OPEN_READONLY, Reading)
        connection.store = self
        return connection

    def head(self) -> Head:
        """Return the end of the durable journal."""
        row = self._writer.execute("SELECT seq, at, chain FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
        return Head(*row) if row else Head()

    def fetch(self, table: Table, key: Any) -> Row | None:
        """Return a durable row by its key, read on the writing connection."""
        binding = key if table.keys > 1 else (key,)
        row: Row | None = self._writer.execute(self._fetch[table.name], binding).fetchone()
        return row if row is None or not table.pressed else self.press.read_row(row)

    def fetch_some(self, table: Table, keys: Sequence[Any]) -> dict[Any, Row]:
        """Return those durable rows of a table with one key column that stand, by key."""
        found: dict[Any, Row] = {}
        for start in range(0, len(keys), KEYS_MAX):
            some = keys[start : start + KEYS_MAX]
            size = 1 << (len(some) - 1).bit_length()
            rows = self._writer.execute(self._fetch_some[table.name](size), (*some, *([some[-1]] * (size - len(some)))))
            found |= {row[0]: row for row in (map(self.press.read_row, rows) if table.pressed else rows)}
        return found

    def fetch_shared(self, table: Table, key: Any) -> Row | None:
        """Return a durable row by its key, read on this thread's own connection."""
        if table.name in self.waits:
            self.settle()
        binding = key if table.keys > 1 else (key,)
        row: Row | None = self.connection().execute(self._fetch[table.name], binding).fetchone()
        return row if row is None or not table.pressed else self.press.read_row(row)

    def write(self, group: Group) -> None:
        """Write records and rows in one transaction; durable when it returns."""
        connection = self._writer
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                # Before the rows: who comes back in the same group has a key of their own again.
                for person in group.erased:
                    self._erase(person)
                self._write_rows(group.changes, group.again)
                self._put(self._insert_record, self.heads.rows(group.records, group.salt))
                self.heads.keep(connection)
                self.press.keep(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                self.heads.load(connection)
                self.press.load(connection)
                raise
        except apsw.FullError as error:
            raise Unavailable(
                "The disk of the home is full; nothing of this commit was kept.",
                code="store.full",
                where=self.path,
                remedy="Free disk space or move the home, then send the command again.",
                retry_after_s=30,
            ) from error
        except (apsw.IOError, apsw.BusyError, apsw.ReadOnlyError) as error:
            raise Unavailable(
                f"The database of the home refuses to write: {error}.",
                code="store.write",
                where=self.path,
                remedy="Check the disk and the permissions of the home, then send the command again.",
                retry_after_s=5,
            ) from error
        if group.erased:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _write_rows(
        self, changes: Mapping[str, Mapping[Any, Row | None]], again: Mapping[str, Collection[Any]]
    ) -> None:
        for name, rows in changes.items():
            gone = [key for key, row in rows.items() if row is None]
            # An upsert would leave such a row the rowid of the one before it.
            gone += again.get(name, ())
            table, come = self.tables[name], self.press.written_rows(self.tables[name], rows.values())
            if table.keys == 1:
                gone = [(key,) for key in gone]
            elif len(rows) > SOME_ROWS:
                # What lies together is written together: half the cost of an index that strides touch all over.
                gone.sort(key=FIRST)
                come.sort(key=FIRST)
            if gone:
                self._put(self._delete[name], gone)
            self._put(self._upsert[name], come)

    def _put(self, statements: Statements, rows: Sequence[Row]) -> None:
        for start, end in portions(len(rows)):
            self._writer.execute(statements[end - start], tuple(chain.from_iterable(rows[start:end])))

    def _erase(self, person: str) -> None:
        # Overwritten in place before they are freed, so that no free page keeps them.
        self._writer.execute("UPDATE person_key SET key = zeroblob(length(key)) WHERE person = ?", (person,))
        self._writer.execute("UPDATE personal SET sealed = zeroblob(length(sealed)) WHERE person = ?", (person,))
        self._writer.execute("DELETE FROM person_key WHERE person = ?", (person,))
        self._writer.execute("DELETE FROM personal WHERE person = ?", (person,))

    def read(self, after: int, limit: int, kinds: Collection[str] | None = None) -> list[Stored]:
        """Return records with seq > after, in order; `kinds` None means all, and then salts come along."""
        sql, bound = "SELECT * FROM journal WHERE seq > ?", list[Any]([after])
        if kinds is not None:
            named = [*kinds, *self.heads.codes(kinds)]
            sql += f" AND kind IN ({', '.join('?' * len(named))})"
            bound += named
        rows = self.connection().execute(f"{sql} ORDER BY seq LIMIT ?", (*bound, limit)).fetchall()
        return self.heads.salted(rows, self._end) if kinds is None else list(map(self.heads.stored, rows))

    def _end(self, seq: int) -> bytes | None:
        row: tuple[bytes | None] | None = self.connection().execute(ENDS, (seq,)).fetchone()
        return row[0] if row else None

    def rows(self, table: Table) -> Iterator[Row]:
        """Yield all rows in key order."""
        if table.name in self.waits:
            self.settle()
        order = ", ".join(column_names(table)[: table.keys])
        rows = self.connection().execute(f"SELECT * FROM {table.name} ORDER BY {order}")  # noqa: S608
        yield from map(self.press.read_row, rows) if table.pressed else rows

    def clear(self, table: Table) -> None:
        """Empty a table that can be made again; for the time before a hub works on the home."""
        self._writer.execute(f"DELETE FROM {table.name}")  # noqa: S608

    def prune(self, upto: int, kinds: Collection[str]) -> int:
        """Forget bodies and salts of records of these kinds up to a seq; their digests take their place."""
        named = [*kinds, *self.heads.codes(kinds)]
        marks = ", ".join("?" * len(named))
        self._writer.execute(f"{FORGET_BODIES} AND kind IN ({marks})", (upto, *named))
        return int(self._writer.changes())

    def forget_keys(self, before: Instant) -> int:
        """Forget idempotency keys that were used before an instant of machine time; return how many."""
        self._writer.execute("DELETE FROM idempotency WHERE at < ?", (before,))
        return int(self._writer.changes())

    def delete_instances(self) -> int:
        """Remove rows of `instances` that `forgotten` takes out of the past; return how many."""
        self._writer.execute(FORGOTTEN_INSTANCES)
        return int(self._writer.changes())

    def backup(self, target: Path) -> None:
        """Copy the database as it stands at this instant into a new file."""
        destination = apsw.Connection(str(target))
        with destination.backup("main", self.connection(), "main") as copy:
            copy.step()
        destination.close()

    def close(self) -> None:
        """Close the writing connection; read connections go with their threads."""
        for name in ("connection", "copying"):
            connection = getattr(self._local, name, None)
            if connection is not None:
                connection.close()
        self._writer.close()
