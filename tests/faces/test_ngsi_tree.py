"""The tree of routes: what stops the start, and the two ways to a node."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette

from quanyu.faces.http.ngsi import table
from quanyu.faces.http.ngsi.door import NgsiDoor, find, tree
from quanyu.faces.http.ngsi.route import NgsiRoute


def test_a_route_without_permission_or_twice_stops_the_start() -> None:
    bare = NgsiRoute(method="GET", path="/x", permission="", handle=print, summary="")
    with pytest.raises(AssertionError, match="no permission"):
        tree([bare])
    with pytest.raises(AssertionError, match="twice"):
        tree([table()[0], table()[0]])


PARTS = st.sampled_from(
    ["entities", "attrs", "temporal", "entityOperations", "upsert", "types", "urn:a", "a%20b", "", "%"]
)


@given(st.lists(PARTS, max_size=5).map("/".join))
def test_the_short_way_to_a_node_ends_where_the_long_one_does(path: str) -> None:
    door = NgsiDoor(Starlette(), cast("Any", None), table())
    assert door._node(f"/ngsi-ld/v1/{path}") == find(door._tree, path)
