"""No text breaks a reader of the query languages: only errors of the tree, and no input that takes long."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quanyu import kernel
from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.context import CORE
from quanyu.kernel.ngsi.geo import parse_geo
from quanyu.kernel.ngsi.order import parse_order
from quanyu.kernel.ngsi.projection import parse_projection
from quanyu.kernel.ngsi.q import parse_q
from quanyu.kernel.ngsi.scope import parse_scope_q
from quanyu.kernel.ngsi.selection import parse_types
from tests.kernel.query_fuzzer import FRAGMENTS, ask

ROOT = Path(__file__).parents[2]


@settings(max_examples=300)
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join)))
def test_any_text_is_read_or_refused(text: str) -> None:
    ask(text)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 60_000,
        "a{" * 30_000,
        "[" * 60_000,
        "!" * 60_000,
        "a." * 30_000,
        '"' * 60_000,
        "a==" + '"\\' * 30_000,
        "a==" + "9" * 60_000,
        "a==1" + "," * 60_000,
        "a~=" + "(" * 60_000,
        "a~=" + "()*" * 400,
        "/" * 60_000,
        "near;maxDistance==" + "9" * 60_000,
        "a;" * 32_000,
        "\x00" * 60_000,
        "\ud800" * 100,
    ],
)
def test_swollen_text_is_refused(text: str) -> None:
    ask(text)


@pytest.mark.parametrize("value", [None, 5, True, {"q": "a"}, ["a", 5], b"a", 1.5])
def test_what_a_body_holds_instead_of_text_is_refused(value: Any) -> None:
    readers: list[tuple[str, Callable[[], object]]] = [
        ("q.syntax", lambda: parse_q(value, CORE)),
        ("q.syntax", lambda: parse_q(value, CORE, escaped=True)),
        ("types.syntax", lambda: parse_types(value, CORE)),
        ("scope_q.syntax", lambda: parse_scope_q(value)),
        ("order.syntax", lambda: parse_order(value, CORE)),
        ("projection.syntax", lambda: parse_projection(value, CORE)),
        ("geo.syntax", lambda: parse_geo(value, "Point", [0, 0], None, CORE)),
    ]
    if value is not None:
        readers.append(("geo.syntax", lambda: parse_geo("within", "Point", [0, 0], value, CORE)))
        readers.append(("order.collation", lambda: parse_order("a", CORE, collation=value)))
    for code, read in readers:
        with pytest.raises(Invalid) as caught:
            read()
        assert caught.value.code == code


DRIVER = """
import sys, atheris
with atheris.instrument_imports(include=["quanyu.kernel.ngsi"]):
    from tests.kernel.query_fuzzer import ask_bytes
atheris.Setup(sys.argv, ask_bytes)
atheris.Fuzz()
"""


def test_a_fuzzer_that_follows_the_branches_finds_nothing(tmp_path: Path) -> None:
    """10 000 inputs steered by coverage; one that takes ten seconds, or a gigabyte, counts as found."""
    environment = {**os.environ, "PYTHONPATH": f"{Path(str(kernel.__file__)).parents[2]}{os.pathsep}{ROOT}"}
    # A program begins with the high water of who started it, and the fuzzer counts from there.
    own_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    limits = [
        "-runs=10000",
        "-seed=1",
        "-max_len=40",
        "-timeout=10",
        f"-rss_limit_mb={own_mb + 1024}",
        f"-artifact_prefix={tmp_path}/",
    ]
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, *limits],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    assert "Done 10000 runs" in done.stderr
