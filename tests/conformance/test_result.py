"""The conformance tool's own reading and judging, on a run that is made up."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest

from tools.conformance import GROUPS, LANES, result, suite
from tools.conformance.broom import _urls
from tools.conformance.contexts import local, serving
from tools.conformance.result import Case, expected, judge, keep, read
from tools.docs import conformance
from tools.say import Trouble

OUTPUT = """<?xml version="1.0" encoding="UTF-8"?>
<robot><suite name="Top" source="{root}/TP">
  <suite name="A" source="{root}/TP/A.robot">
    <test name="A_01 First"><status status="PASS"/></test>
    <test name="A_02 Second"><kw name="x"><status status="FAIL"/></kw><status status="FAIL">201 != 400</status></test>
    <test name="A_03 Third"><status status="SKIP">no</status></test>
  </suite>
  <suite name="B" source="{root}/TP/B.robot"><test name="B_01"><status status="FAIL">x</status></test></suite>
</suite><statistics/></robot>
"""


@pytest.fixture
def cases(tmp_path: Path) -> list[Case]:
    output = tmp_path / "output.xml"
    output.write_text(OUTPUT.format(root=tmp_path), encoding="utf-8")
    return read(output, tmp_path)


def test_cases_are_read_with_their_files_and_words(cases: list[Case], tmp_path: Path) -> None:
    assert [(case.file, case.name, case.passed) for case in cases] == [
        ("TP/A.robot", "A_01 First", True),
        ("TP/A.robot", "A_02 Second", False),
        ("TP/A.robot", "A_03 Third", False),
        ("TP/B.robot", "B_01", False),
    ]
    assert cases[1].said == "201 != 400"
    assert read(tmp_path / "nothing.xml", tmp_path) == []
    (tmp_path / "cut.xml").write_text("<robot><suite>", encoding="utf-8")
    with pytest.raises(Trouble, match="cannot be read"):
        read(tmp_path / "cut.xml", tmp_path)


def test_a_failure_is_expected_or_remarked(cases: list[Case]) -> None:
    cases[3].base = False
    listed = {("A", "A_01 First"): "why", ("A", "A_02 Second"): "why"}
    verdict = judge({"Provision": cases}, listed)
    assert [case.name for case in verdict.unlisted] == ["A_03 Third"]
    assert [case.name for case in verdict.recovered] == ["A_01 First"]
    assert [case.name for case in verdict.extra_failed] == ["B_01"]
    assert verdict.rows() == [("Provision", 1, 3)]
    assert verdict.share == pytest.approx(1 / 3)
    assert "Provision     1 / 3       33.3%" in verdict.table()
    assert len(verdict.remarks()) == 3
    assert judge({}, {}).share == 0.0


def test_an_expected_failure_has_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "expected.toml"
    assert expected(path) == {}
    path.write_text('[[case]]\nfile = "A"\nname = "A_01 First"\nreason = "4.5.1 says so"\n', encoding="utf-8")
    assert expected(path) == {("A", "A_01 First"): "4.5.1 says so"}
    path.write_text('[[case]]\nfile = "A"\nname = "A_01"\nreason = " "\n', encoding="utf-8")
    with pytest.raises(Trouble, match="its reason"):
        expected(path)


def test_the_committed_list_can_be_read_and_every_group_has_a_lane() -> None:
    expected(Path(__file__).with_name("expected.toml"))
    assert {name for lane in LANES for name in lane} == GROUPS.keys()


def test_the_page_tells_the_last_run(cases: list[Case], tmp_path: Path) -> None:
    assert "No run is kept yet." in conformance.page(tmp_path)
    keep(tmp_path / "result.json", judge({"Provision": cases}, {}), "abc1234", "2026-11-22")
    (tmp_path / "expected.toml").write_text('[[case]]\nfile = "A"\nname = "n"\nreason = "r"\n', encoding="utf-8")
    page = conformance.page(tmp_path)
    assert "| Provision | 1 | 4 | 25.0% |" in page
    assert "`abc1234`" in page
    assert "| `A` | n | r |" in page
    assert json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))["groups"][0]["total"] == 4


def test_contexts_are_asked_for_here(tmp_path: Path) -> None:
    remote = '{"@context": ["https://raw.example.org/a/main/resources/jsonld-contexts/b.jsonld"]}'
    (tmp_path / "b.jsonld").write_text(remote, encoding="utf-8")
    with serving(tmp_path) as url:
        with urllib.request.urlopen(f"{url}/b.jsonld", timeout=5) as answer:
            assert answer.read().decode() == f'{{"@context": ["{url}/b.jsonld"]}}'
        with pytest.raises(OSError, match="404"):
            urllib.request.urlopen(f"{url}/c.jsonld", timeout=5)
    assert local("http://x.org/other.jsonld", "http://h") == "http://x.org/other.jsonld"


def test_a_copy_leaves_the_clone_and_drops_what_is_not_base(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    for name in ("TP/NGSI-LD/A.robot", "TP/NGSI-LD/B.robot", "data/x.json", "doc/y.md"):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text("https://r.org/resources/jsonld-contexts/b.jsonld", encoding="utf-8")
    made = suite.copy(tmp_path / "copy", clone, "http://h", frozenset({"TP/NGSI-LD/A.robot"}))
    assert sorted(path.name for path in made.rglob("*") if path.is_file()) == ["A.robot", "x.json"]
    assert (made / "data/x.json").read_text(encoding="utf-8") == "http://h/b.jsonld"
    assert "r.org" in (clone / "data/x.json").read_text(encoding="utf-8")
    assert suite.base_files(clone) is None
    assert suite.commit(clone) == "unknown" or len(suite.commit(clone)) >= 7


def test_a_listener_is_told_two_urls() -> None:
    assert _urls("http://127.0.0.1:1/ngsi-ld/v1:http://127.0.0.1:2") == (
        "http://127.0.0.1:1/ngsi-ld/v1",
        "http://127.0.0.1:2",
    )


def test_a_group_that_does_not_exist_and_a_missing_suite_are_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from tools.conformance import run

    monkeypatch.delenv("SUITE", raising=False)
    with pytest.raises(Trouble, match="no suite"):
        run([])
    with pytest.raises(Trouble, match="no group"):
        run(["Nonsense"])
    monkeypatch.setenv("SUITE", str(tmp_path))
    with pytest.raises(Trouble, match="no clone"):
        run([])
    assert result.read(tmp_path / "none.xml", tmp_path) == []
