"""The command line on real homes: what it prints, what it refuses, and a server from start to signal."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from quanyu.assembly import Options, open_hub
from quanyu.assembly.remote import operate, was_simulated
from quanyu.faces import http
from quanyu.faces.cli import main
from quanyu.faces.cli.benches import checkout, chosen, find_benches, measured
from quanyu.faces.cli.compose import compose, faces
from quanyu.faces.cli.serve import Wish, bound, check
from quanyu.kernel.bpmn import read
from quanyu.kernel.errors import Conflict, Invalid, Missing


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def quanyu(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str, str]:
    """Run a command in this process; return status, what it said, and what it complained."""
    monkeypatch.setattr(sys, "argv", ["quanyu", *words])
    handler = signal.getsignal(signal.SIGTERM)
    try:
        main()
        status = 0
    except SystemExit as ended:
        status = int(ended.code or 0)
    finally:
        signal.signal(signal.SIGTERM, handler)
    said = capsys.readouterr()
    return status, said.out, said.err


def test_tokens_and_links_without_a_server(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = ("--home", str(home))
    status, _, said = quanyu(capsys, monkeypatch, "token", "issue", "admin", *at)
    assert status == 1
    assert "person:admin does not exist" in said
    hub = open_hub(home)
    from quanyu.assembly.doors import first_link

    link = first_link(hub)
    assert link is not None
    assert hub.access.find_person("person:admin") is not None
    hub.close()
    status, secret, _ = quanyu(capsys, monkeypatch, "token", "issue", "admin", "--title", "ci", "--days", "1", *at)
    assert status == 0
    assert secret.startswith("qy_")
    _, listed, _ = quanyu(capsys, monkeypatch, "token", "list", "--json", *at)
    token = json.loads(listed)
    assert (token["title"], token["revoked_at"]) == ("ci", None)
    assert secret.strip() not in listed
    assert quanyu(capsys, monkeypatch, "token", "revoke", secret.strip(), *at)[0] == 0
    assert json.loads(quanyu(capsys, monkeypatch, "token", "list", "--json", *at)[1])["revoked_at"]
    assert "ci" in quanyu(capsys, monkeypatch, "token", "list", *at)[1]
    assert quanyu(capsys, monkeypatch, "token", "revoke", "nothing", *at)[0] == 1
    made = json.loads(quanyu(capsys, monkeypatch, "token", "citizen", "person:1", "--json", *at)[1])
    assert made["path"].startswith("/do/sign-in?link=person:1.")
    assert quanyu(capsys, monkeypatch, "token", "citizen", "somebody", *at)[0] == 1
    assert "/sign-in?token=ql_" in quanyu(capsys, monkeypatch, "token", "sign-in", *at)[1]


def test_check_backup_restore_export(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = open_hub(home)
    from quanyu.assembly.doors import first_link

    first_link(hub)
    hub.close()
    at = ("--home", str(home), "--json")
    file, folder, again = str(tmp_path / "b.quanyu"), str(tmp_path / "out"), tmp_path / "again"
    assert json.loads(quanyu(capsys, monkeypatch, "check", *at)[1])["faults"] == []
    assert json.loads(quanyu(capsys, monkeypatch, "backup", file, *at)[1])["files"] >= 1
    restored = json.loads(quanyu(capsys, monkeypatch, "restore", file, "--home", str(again), "--json")[1])
    assert restored["faults"] == []
    assert quanyu(capsys, monkeypatch, "restore", file, "--home", str(again))[0] == 1, "not into an occupied home"
    report = json.loads(quanyu(capsys, monkeypatch, "export", folder, *at)[1])
    assert report["rows"]["journal.ndjson"] > 2
    tables = [json.loads(line) for line in (Path(folder) / "tables.ndjson").read_text("utf-8").splitlines()]
    # The city's own limit stands in place of the pack's.
    gas = [each["row"]["source"] for each in tables if each["row"].get("code") == "h0101"]
    assert gas == ["Beijing hotline service standard (draft)"]
    forms = [json.loads(line) for line in (Path(folder) / "forms.ndjson").read_text("utf-8").splitlines()]
    assert {"form", "element"} <= {name for each in forms for name in each}
    assert "digest" not in (Path(folder) / "journal.ndjson").read_text("utf-8").partition("signin.issued")[2][:200]
    manifest = json.loads((Path(folder) / "manifest.json").read_text("utf-8"))
    assert set(report["rows"]) <= set(manifest["files"])
    assert "flows/inspect_source.bpmn" in manifest["files"]
    assert read((Path(folder) / "flows" / "inspect_source.bpmn").read_bytes()).name == "inspect_source"
    assert quanyu(capsys, monkeypatch, "export", folder, *at)[0] == 1, "not into an occupied folder"
    assert "Sound" in quanyu(capsys, monkeypatch, "check", "--home", str(home))[1]


def test_an_operator_keeps_a_home(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = ("--home", str(home), "--json")
    assert quanyu(capsys, monkeypatch, "calendar", "--source", "x", "--work", "2026-03-07", *at)[0] == 1, "no home yet"
    open_hub(home).close()
    erased = json.loads(quanyu(capsys, monkeypatch, "erase", "person:li", "--reason", "asked", *at)[1])
    assert erased["person"] == "person:li"
    words = ("calendar", "--source", "Notice 1", "--work", "2026-03-07", "--rest", "2026-03-09")
    assert json.loads(quanyu(capsys, monkeypatch, *words, *at)[1])["days"] == 2
    status, _, said = quanyu(capsys, monkeypatch, "calendar", "--source", "Notice 1", *at)
    assert status == 1
    assert "names no day" in said
    made = json.loads(quanyu(capsys, monkeypatch, "checkpoint", "--prune", *at)[1])
    assert made["seq"] >= 2
    assert json.loads(quanyu(capsys, monkeypatch, "accept-time", *at)[1])["at"] > 0
    report = json.loads(quanyu(capsys, monkeypatch, "check", *at)[1])
    assert (report["faults"], report["erased_persons"]) == ([], 1)


def test_a_damaged_home_fails_the_check(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    open_hub(home).close()
    (home / "files").mkdir(exist_ok=True)
    (home / "files" / ("0" * 64)).write_bytes(b"not what its name says")
    status, said, _ = quanyu(capsys, monkeypatch, "check", "--home", str(home))
    assert status == 1
    assert "Damaged" in said


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (("check",), "Name another --home"),
        (("backup", "x.quanyu"), "Name another --home"),
        (("import", "nothing", __file__), "Use:"),
        (("serve", "--open", "--host", "0.0.0.0"), "127.0.0.1 only"),
        (("serve", "--city", "atlantis"), "Use one of"),
        (("bench", "nothing"), "There are"),
    ],
)
def test_refusals_say_what_to_do(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], remedy: str
) -> None:
    at = () if words[0] == "bench" else ("--home", str(home))
    port = ("--port", "0") if words[0] == "serve" else ()
    status, said, complained = quanyu(capsys, monkeypatch, *words, *at, *port)
    assert status == 1
    assert said == ""
    assert complained.startswith("Stopped: ")
    assert remedy in complained.replace("\n", " ")


def test_packs_and_version(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    lines = quanyu(capsys, monkeypatch, "packs", "--json")[1].splitlines()
    assert "governance/grid" in [json.loads(line)["id"] for line in lines]
    assert "Packs" in quanyu(capsys, monkeypatch, "packs")[1]
    assert quanyu(capsys, monkeypatch, "version")[1].startswith("quanyu")
    assert quanyu(capsys, monkeypatch, "serve", "--port", "99999")[0] == 2


def test_a_port_is_taken_once() -> None:
    first = bound("127.0.0.1", 0)
    first.listen(1)
    with pytest.raises(Conflict) as caught:
        bound("127.0.0.1", first.getsockname()[1])
    first.close()
    assert caught.value.code == "serve.port"
    with pytest.raises(Conflict):
        bound("203.0.113.1", 8000)


def test_open_mode_stays_on_this_machine(home: Path) -> None:
    for host in ("0.0.0.0", "::", "192.168.1.5", "example.org"):
        with pytest.raises(Invalid):
            check(Wish(home, host=host, open=True))
    for host in ("127.0.0.1", "::1", "localhost", "127.8.8.8"):
        check(Wish(home, host=host, open=True))
    check(Wish(home, host="0.0.0.0"))


def test_a_bench_without_its_data_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("QUANYU_BENCH_DATA", str(tmp_path))
    status, said, complained = quanyu(capsys, monkeypatch, "bench", "import.air")
    assert (status, said) == (1, "")
    assert "QUANYU_BENCH_DATA" in complained

    def other() -> Iterator[dict[str, Any]]:
        yield {"name": "other"}

    told: list[Missing] = []
    both = {**chosen(find_benches(checkout()), ["import.air"]), "other": other}
    assert list(measured(both, told.append)) == [{"name": "other"}]
    assert [each.code for each in told] == ["bench.data"]


def test_benches_are_found_in_a_checkout() -> None:
    found = find_benches(checkout())
    assert "commit.group100" in found
    assert list(chosen(found, ["group100"])) == ["commit.group100"]
    assert list(chosen(found, ["commit.plain"])) == ["commit.group100"], "a result's name finds its bench"
    assert set(chosen(found, ["commit"])) <= set(found)
    with pytest.raises(Missing):
        chosen(found, ["nothing"])


def test_faces_stand_in_order() -> None:
    order = [face.__name__.rpartition(".")[2] for face in faces()]
    assert order[0] == "http"
    assert "cli" not in order


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    hub = open_hub(tmp_path_factory.mktemp("real"), Options(open=True))
    hub.start()
    yield hub
    hub.close()


def test_every_list_answers_on_a_real_hub(real: Any) -> None:
    async def scene() -> dict[str, int]:
        transport = httpx.ASGITransport(compose(real), client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return {
                route.path: (
                    await client.get(route.path, params={"text": "x"} if "search" in route.path else {})
                ).status_code
                for route in http.native()
                if route.method == "GET" and "{" not in route.path and route.path not in ("/events", "/sign-in")
            }

    found = asyncio.run(scene())
    assert {path: status for path, status in found.items() if status != 200} == {}
    assert len(found) > 20


def test_an_operation_goes_to_the_owner_or_opens_the_home(home: Path) -> None:
    with pytest.raises(Missing):
        operate(home, "check", {})
    open_hub(home).close()
    assert operate(home, "check", {})["faults"] == []
    assert not was_simulated(home)


class Process:
    """`quanyu serve` as people start it."""

    def __init__(self, home: Path, *words: str) -> None:
        command = [sys.executable, "-c", "from quanyu.faces.cli import main; main()", "serve", "--port", "0"]
        self.process = subprocess.Popen(
            [*command, "--home", str(home), *words],
            env={**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "200"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline()
        self.url = re.findall(r"http://[\d.:]+", self.said)[0]
        self.link = self.process.stdout.readline().partition("minutes: ")[2].strip()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=30)
        return self.process.returncode


def test_a_server_from_first_start_to_signal(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Process(home)
    try:
        with httpx.Client(base_url=server.url, follow_redirects=False) as client:
            assert server.link.startswith(server.url)
            assert client.get("/api/v1/me").status_code == 401
            assert client.get(server.link).status_code == 303
            assert client.get("/api/v1/me").json()["actor"] == "person:admin"
        secret = quanyu(capsys, monkeypatch, "token", "issue", "admin", "--home", str(home))[1].strip()
        bearer = {"Authorization": f"Bearer {secret}"}
        assert httpx.get(f"{server.url}/api/v1/me", headers=bearer).status_code == 200
        assert server.url in quanyu(capsys, monkeypatch, "token", "sign-in", "--home", str(home))[1]
        status, _, said = quanyu(capsys, monkeypatch, "serve", "--home", str(home), "--port", "0")
        assert status == 1
        assert "is owned by process" in said
        with httpx.stream("GET", f"{server.url}/events", headers=bearer) as stream:
            assert next(stream.iter_lines())
            assert server.stop() == 0, "an open stream does not hold the server up"
    finally:
        server.process.kill()
        server.process.wait()
    assert not (home / "hub.sock").exists()
    assert quanyu(capsys, monkeypatch, "check", "--home", str(home))[0] == 0
