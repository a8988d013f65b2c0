"""The wheel that is published holds the console, the packs' data and the words, though git ignores the first."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.tidy.findings import ROOT, load_paths

STATIC = Path("src/quanyu/faces/web/static")
PACK = Path("src/quanyu/domains/green/sample")
DATA = ("pack.toml", "params.toml", "types.csv", "tables/limits.csv", "templates/notice.md.jinja", "flows/inspect.bpmn")
NOT_IN_AN_ARCHIVE = ("tests/", "bench/", "console/", ".ci/")


def copy_checkout(place: Path) -> Path:
    """What a source archive holds, plus a pack with every kind of file."""
    for name in load_paths():
        if not name.startswith(NOT_IN_AN_ARCHIVE):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, place / name)
    for name in DATA:
        (place / PACK / name).parent.mkdir(parents=True, exist_ok=True)
        (place / PACK / name).write_text("", encoding="utf-8")
    return place


def place_console(place: Path) -> None:
    """The built console, or a small one in its place where it is not built."""
    if (ROOT / STATIC / "index.html").is_file():
        shutil.copytree(ROOT / STATIC, place / STATIC)
        return
    (place / STATIC / "assets").mkdir(parents=True)
    (place / STATIC / "index.html").write_text("<!doctype html>", encoding="utf-8")
    (place / STATIC / "assets" / "index.js").write_text("", encoding="utf-8")


def build(place: Path, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--skip-dependency-check", "."]
    return subprocess.run(command, cwd=place, env={**os.environ, **env}, capture_output=True, text=True, check=False)


def test_the_wheel_holds_console_and_data(tmp_path: Path) -> None:
    place = copy_checkout(tmp_path)
    place_console(place)
    built = build(place)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = (place / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    prefix = "quanyu/faces/web/static"
    assert f"{prefix}/index.html" in names
    assert any(name.startswith(f"{prefix}/assets/") for name in names)
    assert {f"quanyu/domains/green/sample/{name}" for name in DATA} <= names
    tracked = {name.removeprefix("src/") for name in load_paths() if name.startswith("src/")}
    assert tracked <= names, f"missing in the wheel: {sorted(tracked - names)[:5]}"
    assert not [name for name in names if name.startswith(("tests/", "tools/", "console/"))]


@pytest.mark.parametrize("release", ["", "1"])
def test_a_wheel_without_the_console_is_refused(tmp_path: Path, release: str) -> None:
    built = build(copy_checkout(tmp_path), QUANYU_RELEASE=release)
    assert built.returncode != 0
    assert "The console is not built" in built.stdout + built.stderr
    assert "make console" in built.stdout + built.stderr
