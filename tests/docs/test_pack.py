"""The example pack of the guide: installed as a package is, found by its entry point, judged and walked on a real hub."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quanyu.assembly import Hub, Options, open_hub
from quanyu.assembly.clock import SimulatedClock
from quanyu.assembly.operations import run_operation
from quanyu.assembly.packs import load_packs
from quanyu.kernel.journal import Command
from quanyu.kernel.pack import Pack
from quanyu.kernel.time import parse_instant
from quanyu.kernel.view import EVERYTHING, CaseQuery
from tests.docs.pages import ROOT, blocks
from tests.packs import test_golden as golden

EXAMPLES = ROOT / "docs" / "examples"
PROJECT = EXAMPLES / "quanyu-underpass"
PACKAGE = PROJECT / "quanyu_underpass"
GUIDE = ROOT / "docs" / "guides" / "write-a-pack.md"
GAUGE = "urn:ngsi-ld:UnderpassWater:lianhua"
LINES_MAX = 100


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pack]:
    """The pack, installed for this test: what pip would write stands in a folder on the path."""
    entry = "[quanyu.packs]\nsafety.underpass = quanyu_underpass\n"
    info = tmp_path / "site" / "quanyu_underpass-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: quanyu-underpass\nVersion: 0.1.0\n", "utf-8")
    (info / "entry_points.txt").write_text(entry, "utf-8")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.syspath_prepend(PROJECT)
    for each in (load_packs, golden.packs, golden.parameters):
        each.cache_clear()
    yield next(pack for pack in load_packs() if pack.id == "safety/underpass")
    for each in (load_packs, golden.packs, golden.parameters):
        each.cache_clear()


@pytest.fixture
def hub(pack: Pack, tmp_path: Path) -> Iterator[Hub]:
    made = open_hub(tmp_path / "home", Options(demo=True))
    assert isinstance(made.clock, SimulatedClock)
    made.clock.jump(parse_instant("2025-07-28T17:40:00+08:00"))
    made.start()
    yield made
    made.close()


def imported(hub: Hub) -> Any:
    files = [str(EXAMPLES / "gauges.csv")]
    words = {"kind": "observations", "files": files, "mode": "history", "mapping": str(EXAMPLES / "gauges.toml")}
    return run_operation(hub, "import", words, lambda text, share: None)


def test_its_golden_cases_hold(pack: Pack) -> None:
    cases = pack.golden["case"]
    assert {case["fires"] for case in cases} == {True, False}
    for case in cases:
        golden.CHECKS[case["kind"]](case)


def test_its_rule_opens_a_case_from_the_imported_gauges(hub: Hub) -> None:
    report = imported(hub)
    assert (report["observations"], report["entities"], report["rejected"]) == (12, 2, 1)
    assert Path(report["reject_file"]).read_text("utf-8").splitlines()[1] == "gauges.csv,8,cm,'wet' is not a number"
    (case,) = hub.views.cases.query(CaseQuery(flow="close_underpass"), EVERYTHING).items
    assert (case["asset"], case["severity"], case["historical"]) == (GAUGE, "red", True)
    found = hub.views.cases.find(case["id"], EVERYTHING)
    assert found is not None
    assert [(each["limit"], each["unit"]) for each in found["findings"]] == [(20.0, "CMT")]
    assert imported(hub)["observations"] == 0, "the same file twice changes nothing"


def test_its_flow_can_be_walked(hub: Hub) -> None:
    opened = Command("case.open", "", {"flow": "close_underpass", "text": "积水", "channel": "counter"})
    id = hub.commit_blocking([opened], "system:test").outcomes[0].subject
    case = hub.views.cases.find(id, EVERYTHING)
    assert case is not None
    assert [each["name"] for each in case["steps"]] == ["accept", "dispatch", "handle", "close"]
    assert case["clock"] == "green"


def test_the_guide_shows_the_files_as_they_are() -> None:
    shown = [block.text.strip() for block in blocks(GUIDE)]
    files = [path for path in sorted(PACKAGE.iterdir()) if path.is_file()]
    missing = [path.name for path in files if path.read_text("utf-8").strip() not in shown]
    assert missing == []
    assert (PROJECT / "pyproject.toml").read_text("utf-8").partition("[project]")[2].strip() in "\n".join(shown)
    assert sum(len(path.read_text("utf-8").splitlines()) for path in files) < LINES_MAX


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_rule_that_the_readme_shows_is_the_pack_s_own(page: str) -> None:
    (shown,) = [block.text for block in blocks(ROOT / page) if block.language == "python"]
    source = (ROOT / "src/quanyu/domains/green/air/rules.py").read_text("utf-8")
    own = {node.name: ast.dump(node) for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
    (rule,) = ast.parse(shown).body
    assert isinstance(rule, ast.FunctionDef)
    assert ast.dump(rule) == own[rule.name]


def test_the_data_guide_shows_the_files_as_they_are() -> None:
    shown = [block.text.strip() for block in blocks(ROOT / "docs" / "guides" / "bring-in-data.md")]
    assert [
        name for name in ("gauges.csv", "gauges.toml") if (EXAMPLES / name).read_text("utf-8").strip() not in shown
    ] == []


def test_the_branches_that_the_guide_shows_can_be_walked() -> None:
    (shown,) = [block.text for block in blocks(GUIDE) if "close_and_tell" in block.text]
    declared: dict[str, Any] = {}
    exec(compile(shown, str(GUIDE), "exec"), declared)
    made = declared["close_and_tell"]
    assert made.net.is_join("meet")
    assert made.reads == {"depth"}
    assert not made.is_row
