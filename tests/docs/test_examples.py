"""Runs every shell block of two guides on a real hub, and compares each answer with the one that the guide shows."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.docs.pages import ROOT, Block, blocks

GUIDES = ROOT / "docs" / "guides"
RECEIVER = ROOT / "docs" / "examples" / "receiver.py"
PORT = "9800"
"""Where the receiver of the guide listens; a test lets it listen elsewhere."""
PROBLEMS = ("urn:quanyu:problem", "uri.etsi.org/ngsi-ld/errors")
MARK = "--- end of block ---"
START_S = 60.0
BASH = "set -euo pipefail\ntrap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a `quanyu` that is this checkout's, a photo, the receiver, and the contexts that a guide shows."""
    folder = tmp_path_factory.mktemp("guide")
    command = folder / "bin" / "quanyu"
    command.parent.mkdir()
    command.write_text(
        f'#!/bin/sh\nexec {sys.executable} -c "from quanyu.faces.cli import main; main()" "$@"\n', "utf-8"
    )
    command.chmod(0o755)
    Image.new("RGB", (64, 48), "grey").save(folder / "photo.jpg")
    (folder / "docs" / "examples").mkdir(parents=True)
    shutil.copy(RECEIVER, folder / "docs" / "examples")
    contexts = folder / "var" / "contexts"
    contexts.mkdir(parents=True)
    shown = {block.language: block.text for block in blocks(GUIDES / "ngsi-ld.md")}
    (contexts / "map.toml").write_text(shown["toml"], "utf-8")
    (contexts / "city.jsonld").write_text(shown["jsonld"], "utf-8")
    return folder


def environment(place: Path) -> dict[str, str]:
    path = f"{place / 'bin'}:{os.environ['PATH']}"
    source = f"{ROOT / 'src'}"
    return {
        **os.environ,
        "PATH": path,
        "PYTHONPATH": source,
        "QUANYU_HOME": str(place / "var"),
        "PYTHONUNBUFFERED": "1",
    }


@pytest.fixture(scope="module")
def url(place: Path) -> Iterator[str]:
    """A demo city without a past, whose time hardly moves: the simulated people leave the guide's cases alone."""
    words = [
        "quanyu",
        "serve",
        "--demo",
        "--warm-days",
        "0",
        "--speed",
        "0.01",
        "--port",
        "0",
        "--allow-private",
        "--tenants",
    ]
    server = subprocess.Popen(
        words, env=environment(place), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=place
    )
    try:
        assert server.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline())
        assert found is not None
        assert "/sign-in?token=" in server.stdout.readline(), "the first start prints a link"
        yield found[0]
    finally:
        server.terminate()
        server.communicate(timeout=30)


def ran(script: str, place: Path) -> list[str]:
    """Return what each block of a script printed; a block that fails is a failure with its words."""
    done = subprocess.run(
        ["bash", "-c", BASH + script], env=environment(place), capture_output=True, text=True, cwd=place, timeout=START_S,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-800:]}\n{done.stderr[-800:]}"
    return done.stdout.split(MARK + "\n")[:-1]


def last_document(text: str) -> Any:
    """Return the last JSON document in what was printed; answers of one curl follow the other without a break."""
    decoder, at, found = json.JSONDecoder(), 0, None
    while at < len(text):
        try:
            found, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            at += 1
    return found


def unlike(shown: Any, answered: Any, path: str = "$") -> Iterator[str]:
    """Yield where an answer lacks what the guide shows: every key, the kind of every value, words of few choices."""
    if isinstance(shown, dict):
        if not isinstance(answered, dict):
            yield f"{path} is {type(answered).__name__}, not an object"
            return
        for key, value in shown.items():
            if key not in answered:
                yield f"{path}.{key} is not there: {sorted(answered)}"
            else:
                yield from unlike(value, answered[key], f"{path}.{key}")
    elif isinstance(shown, list):
        if not isinstance(answered, list) or (shown and not answered):
            yield f"{path} is {answered!r:.60}, not a list like the one shown"
        elif shown and isinstance(shown[0], dict):
            yield from unlike(shown[0], answered[0], f"{path}[0]")
    elif (
        isinstance(shown, bool)
        or shown is None
        or path.rpartition(".")[2] in ("code", "status", "state", "step", "type")
    ):
        if shown != answered:
            yield f"{path} is {answered!r:.60}, not {shown!r}"
    elif isinstance(shown, str) != isinstance(answered, str):
        yield f"{path} is {answered!r:.60}, not like {shown!r}"


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@pytest.mark.parametrize("guide", ["api.md", "ngsi-ld.md"])
def test_every_block_of_a_guide_runs_and_answers_as_shown(place: Path, url: str, guide: str) -> None:
    found = [block for block in blocks(GUIDES / guide) if block.language in ("sh", "json")]
    shell = [block for block in found if block.language == "sh"]
    shown: dict[int, Block] = {
        one.line: two for one, two in pairwise(found) if (one.language, two.language) == ("sh", "json")
    }
    assert len(shell) > 10
    assert len(shown) > 10
    script = "".join(f"{block.text}\necho; echo '{MARK}'\n" for block in shell)
    script = script.replace("http://127.0.0.1:8000", url).replace(PORT, str(free_port()))
    began = time.monotonic()
    printed = ran(script, place)
    assert time.monotonic() - began < START_S
    faults = []
    for block, text in zip(shell, printed, strict=True):
        expected = json.loads(shown[block.line].text) if block.line in shown else {}
        if expected:
            faults += [f"line {block.line}: {each}" for each in unlike(expected, last_document(text))]
        told = shown[block.line].text if block.line in shown else ""
        if any(each in text for each in PROBLEMS) and '"code"' not in told:
            faults.append(f"line {block.line}: {text[-400:]}")
    assert not faults, "\n".join(faults)


def test_an_answer_that_lacks_what_is_shown_is_found() -> None:
    assert list(unlike({"a": 1, "b": [{"c": "x"}]}, {"a": 2, "b": [{"c": "y"}]})) == []
    assert len(list(unlike({"a": 1, "code": "x"}, {"code": "y"}))) == 2
    assert list(unlike({"a": None}, {"a": 1}))
    assert list(unlike([{"a": 1}], []))
    assert last_document('{"a": 1}{"b": 2}\n') == {"b": 2}
