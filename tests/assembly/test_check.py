"""`check` finds a flipped byte and says where; it passes after an erasure and after pruning, and counts them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import apsw
import pytest

from quanyu.assembly.backup import restore
from quanyu.assembly.check import Report
from quanyu.assembly.core import CoreEngine
from quanyu.assembly.hub import Hub
from quanyu.assembly.keeping import backup_home, check_home, checkpoint, erase, prune
from quanyu.assembly.vault import unseal
from quanyu.engines.context.engine import ContextEngine
from quanyu.kernel.entity import Observation, body_of, observations
from quanyu.kernel.errors import Conflict, Invalid, Missing
from quanyu.kernel.journal import Command, Engine
from tests.hubs import MORNING, bare_hub

ID = "urn:ngsi-ld:AirQualityObserved:dongsi"
ENGINES: Sequence[Engine] = (CoreEngine(), ContextEngine())


def fill(hub: Hub, count: int = 20) -> None:
    hub.commit_blocking([Command("entity.create", ID, {"type": "AirQualityObserved"})], "person:a")
    for n in range(count):
        batch = observations([Observation(ID, "pm25", MORNING + n, float(n), "GQ")])
        hub.commit_blocking([Command("observe", "test", body_of(batch), "measured")], "system:test")


def checked(hub: Hub) -> Report:
    hub.settle()
    return check_home(hub.home, ENGINES, hub.upcast)


def tamper(home: Path, sql: str, *bound: object) -> None:
    db = apsw.Connection(str(home / "quanyu.db"))
    db.execute(sql, bound)
    db.close()


def test_a_sound_home_passes(tmp_path: Path) -> None:
    with bare_hub(tmp_path) as hub:
        fill(hub)
        report = checked(hub)
    assert report.sound, report.faults
    assert (report.records, report.pruned, report.tables["entity"]) == (21, 0, 1)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE journal SET body = CAST(substr(body, 1, 9) || x'00' AS BLOB) WHERE seq = 7", "record 7 does not match"),
        ("UPDATE journal SET actor = 'person:b' WHERE seq = 1", "record 1 does not match"),
        ("UPDATE journal SET chain = zeroblob(32) WHERE seq = 9", "record 9 does not match"),
        ("UPDATE journal SET chain = NULL WHERE seq = 9", "records 9 to 10 does not match"),
        ("UPDATE journal SET chain = NULL WHERE seq = 21", "record 21 does not end its commit"),
        ("UPDATE journal SET digest = zeroblob(32) WHERE seq = 7", "body of record 7"),
        ("UPDATE journal SET body = NULL WHERE seq = 7", "record 7 does not match"),
        ("DELETE FROM journal WHERE seq = 5", "follows record 4"),
        ("UPDATE last SET value = 3.5", "table last, row 1, pm25"),
        ("UPDATE entity SET version = 8", f"table entity, row {ID}"),
        ("DELETE FROM entity", f"table entity, row {ID}"),
    ],
)  # fmt: skip
def test_a_changed_byte_is_found_and_placed(tmp_path: Path, sql: str, said: str) -> None:
    with bare_hub(tmp_path) as hub:
        fill(hub)
    tamper(tmp_path, sql)
    with bare_hub(tmp_path) as hub:
        report = checked(hub)
    assert not report.sound
    assert said in report.faults[0]


def test_damaged_pages_are_found(tmp_path: Path) -> None:
    with bare_hub(tmp_path) as hub:
        fill(hub, 400)
    path = tmp_path / "quanyu.db"
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 3 + 8] = b"\xff" * 8
    path.write_bytes(content)
    report = check_home(tmp_path, ENGINES, lambda stored: pytest.fail("not reached"))
    assert "database" in report.faults[0]


def test_pruned_home_is_rebuilt_from_its_checkpoint(tmp_path: Path) -> None:
    with bare_hub(tmp_path) as hub:
        fill(hub)
        with pytest.raises(Conflict, match="checkpoint"):
            prune(hub, 10)
        seq = checkpoint(hub, ENGINES)
        assert prune(hub, seq) == 20
        fill_more = observations([Observation(ID, "pm25", MORNING + 99, 9.0, "GQ")])
        hub.commit_blocking([Command("observe", "test", body_of(fill_more), "measured")], "system:test")
        report = checked(hub)
        assert report.sound, report.faults
        assert (report.pruned, report.rebuilt_from) == (20, seq)
        damaged = tmp_path / "checkpoints" / f"{seq:012d}.gz"
        damaged.write_bytes(damaged.read_bytes()[:-20])
        assert "Checkpoint" in checked(hub).faults[0]


def test_erased_person_is_gone_and_the_chain_still_verifies(tmp_path: Path) -> None:
    with bare_hub(tmp_path) as hub:
        desk = hub.writer._desk
        reference = hub.errand(lambda: desk.seal("person:li", {"phone": "13800000000"}))
        hub.commit_blocking([Command("entity.create", ID, {"type": "A"})], "person:a")
        sealed = "SELECT k.key, p.sealed FROM personal p JOIN person_key k USING (person)"
        rows = list(hub.store.connection().execute(sealed))  # type: ignore[attr-defined]
        assert unseal(rows[0][0], reference, rows[0][1]) == {"phone": "13800000000"}
        erase(hub, "person:li", "asked to be forgotten", "person:a")
        assert not list(hub.store.connection().execute("SELECT 1 FROM personal"))  # type: ignore[attr-defined]
        with pytest.raises(Missing):
            unseal(bytes(32), reference, rows[0][1])
        report = checked(hub)
        assert report.sound, report.faults
        assert report.erased_persons == 1
    for path in tmp_path.glob("quanyu.db*"):
        assert rows[0][0] not in path.read_bytes()


def test_backup_comes_back_and_a_damaged_one_does_not(tmp_path: Path) -> None:
    home, target = tmp_path / "home", tmp_path / "city.quanyu"
    with bare_hub(home) as hub:
        fill(hub)
        hub.home.joinpath("files").mkdir()
        manifest = backup_home(home, target, lambda seq: [], MORNING, lambda text, share: None)
        assert manifest.seq == 21
        fill_after = Command("entity.create", "urn:ngsi-ld:A:later", {"type": "A"})
        hub.commit_blocking([fill_after], "person:a")
    restore(target, tmp_path / "new", lambda text, share: None)
    with bare_hub(tmp_path / "new") as hub:
        assert hub.last_seq == 21
        assert checked(hub).sound
    with pytest.raises(Conflict, match="not empty"):
        restore(target, home, lambda text, share: None)
    with pytest.raises(Conflict, match="exists already"):
        backup_home(home, target, lambda seq: [], MORNING, lambda text, share: None)
    content = bytearray(target.read_bytes())
    content[len(content) // 2] ^= 1
    target.write_bytes(content)
    with pytest.raises(Invalid, match=r"digest|not a backup"):
        restore(target, tmp_path / "third", lambda text, share: None)
    assert not (tmp_path / "third").exists()
    with pytest.raises(Invalid, match="not a backup"):
        restore(tmp_path / "home" / "quanyu.db", tmp_path / "third", lambda text, share: None)
