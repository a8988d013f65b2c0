"""Repeatable noise: numbers that depend on their keys alone, so that any moment can be asked for by itself."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from math import cos, log, pi, sin, sqrt

_MASK = (1 << 64) - 1


def share(seed: int, *keys: int | str) -> float:
    """Return a number spread evenly over [0, 1) for these keys."""
    return (_mixed(seed, keys) >> 11) / (1 << 53)


def normal(seed: int, *keys: int | str) -> float:
    """Return a standard normal deviate for these keys."""
    state = _mixed(seed, keys)
    radius = sqrt(-2 * log(((state >> 11) + 1) / (1 << 53)))
    return radius * cos(2 * pi * (_step(state) >> 11) / (1 << 53))


def smooth(seed: int, name: str, at: float, width: float) -> float:
    """Return a standard normal process at `at` whose memory ends after two `width`s (both in one unit).

    White noise on knots `width` apart, joined by sine and cosine weights, whose squares add up to one: the variance is
    one everywhere, and no value needs the one before it.
    """
    place = at / width + share(seed, name, "phase")
    knot = int(place // 1)
    angle = (place - knot) * pi / 2
    return cos(angle) * _knot(seed, name, knot) + sin(angle) * _knot(seed, name, knot + 1)


@lru_cache(maxsize=65_536)
def _knot(seed: int, name: str, knot: int) -> float:
    return normal(seed, name, knot)


@lru_cache(maxsize=4_096)
def _number(word: str) -> int:
    return int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "little")


def _mixed(seed: int, keys: tuple[int | str, ...]) -> int:
    state = seed & _MASK
    for key in keys:
        state = _step(state ^ (_number(key) if isinstance(key, str) else key & _MASK))
    return state


def _step(state: int) -> int:
    """SplitMix64: one step of a 64-bit mixer."""
    state = (state + 0x9E3779B97F4A7C15) & _MASK
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
    return state ^ (state >> 31)
