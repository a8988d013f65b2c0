"""Drawings at the terminal: checked without a home, exported from one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from quanyu.assembly import open_hub
from quanyu.kernel.bpmn import read
from tests.faces.test_cli import quanyu

DRAWINGS = Path(__file__).parents[1] / "kernel" / "drawings"
Capture = pytest.CaptureFixture[str]


def test_a_drawing_is_checked(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    file = str(DRAWINGS / "pothole.bpmn")
    status, said, _ = quanyu(capsys, monkeypatch, "flows", "check", file)
    assert status == 1
    assert "--overall '5 working days'" in said
    words = ("--overall", "parameter:inspect_limit", "--role", "道路养护=handler", "--name", "pothole")
    status, said, _ = quanyu(capsys, monkeypatch, "flows", "check", file, *words)
    assert status == 0, said
    assert "Sound" in said
    assert "activity_0repair" in said
    status, said, _ = quanyu(capsys, monkeypatch, "flows", "check", file, "--json", *words)
    found = json.loads(said)
    assert (status, found["ok"], found["definition"]["name"]) == (0, True, "pothole")


def test_what_is_no_drawing_is_said(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    status, _, said = quanyu(capsys, monkeypatch, "flows", "check", str(tmp_path / "none.bpmn"))
    assert (status, "does not exist" in said) == (1, True)
    bomb = tmp_path / "bomb.bpmn"
    bomb.write_text("<!DOCTYPE x [<!ENTITY a 'ha'>]><x>&a;</x>", encoding="utf-8")
    status, _, said = quanyu(capsys, monkeypatch, "flows", "check", str(bomb))
    assert (status, "document type" in said) == (1, True)


def test_a_flow_is_exported(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    at = ("--home", str(tmp_path / "home"))
    status, _, complaint = quanyu(capsys, monkeypatch, "flows", "export", "inspect_source", *at)
    assert (status, "does not exist" in complaint) == (1, True)
    assert not (tmp_path / "home").exists()
    open_hub(tmp_path / "home").close()
    status, said, _ = quanyu(capsys, monkeypatch, "flows", "export", "inspect_source", *at)
    assert status == 0
    made = read(said.encode())
    assert made.name == "inspect_source"
    target = tmp_path / "drawn.bpmn"
    assert quanyu(capsys, monkeypatch, "flows", "export", "inspect_source", "--to", str(target), *at)[0] == 0
    assert target.read_text(encoding="utf-8") == said
    status, _, complaint = quanyu(capsys, monkeypatch, "flows", "export", "nothing", *at)
    assert status == 1
    assert "inspect_source" in complaint
