"""Files of downloaded documents: what goes first, and what happens when the disk holds rubbish."""

from __future__ import annotations

from pathlib import Path

from quanyu.adapters.http.shelf import Shelf


class Ticks:
    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        self.now += 1
        return self.now


def test_what_nobody_used_for_longest_goes_first(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, Ticks(), number_max=3, bytes_max=100)
    for name in ("a", "b", "c"):
        shelf.put(name, b'"' + name.encode() * 10 + b'"')
    assert shelf.find("a") == "a" * 10
    shelf.put("d", b'"d"')
    assert set(shelf.kept()) == {"a", "c", "d"}
    shelf.put("e", b'"' + b"e" * 97 + b'"')
    assert set(shelf.kept()) == {"e"}
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".json"]


def test_a_broken_shelf_is_an_empty_one(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, Ticks())
    shelf.put("a", b"1")
    next(path for path in tmp_path.iterdir() if path.name != "index.json").write_bytes(b"{")
    assert Shelf(tmp_path, Ticks()).find("a") is None
    (tmp_path / "index.json").write_bytes(b"{")
    assert Shelf(tmp_path, Ticks()).kept() == {}
