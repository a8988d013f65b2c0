"""What was read is read again once something was made, and never older than what had been made when it was asked."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from quanyu.kernel.remembered import Remembered


class Shelf:
    """A store with the number of its last change; `asked` counts what was read."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.seq = 0
        self.asked = 0

    def put(self, key: str, value: int | None) -> None:
        if value is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = value
        self.seq += 1

    def read(self, key: str) -> Callable[[], int | None]:
        def read() -> int | None:
            self.asked += 1
            return self.rows.get(key)

        return read


KEYS = st.sampled_from("abc")
STEPS = st.lists(st.one_of(st.tuples(KEYS, st.integers() | st.none()), KEYS), max_size=40)


@given(STEPS, st.integers(1, 3))
def test_it_says_what_the_store_says(steps: list[tuple[str, int | None] | str], most: int) -> None:
    shelf = Shelf()
    remembered = Remembered[int](lambda: shelf.seq, most)
    for step in steps:
        if isinstance(step, tuple):
            shelf.put(*step)
        else:
            assert remembered.get(step, shelf.read(step)) == shelf.rows.get(step)


def test_the_store_is_asked_once_until_something_is_made() -> None:
    shelf = Shelf()
    shelf.put("a", 0)
    remembered = Remembered[int](lambda: shelf.seq, 10)
    assert [remembered.get("a", shelf.read("a")) for _ in range(3)] == [0, 0, 0]
    assert shelf.asked == 1
    shelf.put("b", 2)
    assert remembered.get("a", shelf.read("a")) == 0
    assert shelf.asked == 2


def test_what_is_not_there_and_what_is_too_much_is_not_kept() -> None:
    shelf = Shelf()
    remembered = Remembered[int](lambda: shelf.seq, 2)
    assert [remembered.get("x", shelf.read("x")) for _ in range(2)] == [None, None]
    assert shelf.asked == 2
    for key in "abc":
        shelf.rows[key] = 1
        remembered.get(key, shelf.read(key))
    assert shelf.asked == 5
    assert remembered.get("a", shelf.read("a")) == 1
    assert shelf.asked == 6


def test_an_answer_read_while_it_changes_is_forgotten_with_the_change() -> None:
    shelf = Shelf()
    shelf.put("a", 1)
    remembered = Remembered[int](lambda: shelf.seq, 10)

    def read() -> int:
        old = shelf.rows["a"]
        shelf.put("a", 2)
        return old

    assert remembered.get("a", read) == 1
    assert remembered.get("a", shelf.read("a")) == 2
