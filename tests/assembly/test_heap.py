"""The collector is eased while hubs work and as it was before when none does."""

from __future__ import annotations

import gc

from quanyu.assembly.heap import YOUNG_MAX, Heap


def test_the_collector_is_as_before_when_the_last_hub_has_ended() -> None:
    heap, usual, frozen = Heap(), gc.get_threshold(), gc.get_freeze_count()
    heap.ease()
    heap.ease()
    assert gc.get_threshold() == (YOUNG_MAX, *usual[1:])
    assert gc.get_freeze_count() > 1_000
    heap.restore()
    assert gc.get_threshold()[0] == YOUNG_MAX
    heap.restore()
    assert gc.get_threshold() == usual
    assert gc.get_freeze_count() <= frozen
