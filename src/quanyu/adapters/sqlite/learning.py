"""What many bodies of a sort say alike, in the words of this home: its flows, roles, units, people and usual answers.

Words are learned from `SAMPLES` bodies in a row, again whenever there are so many times more. A text is a word only where
one in `SHARE` of the samples says the very same: what one person wrote is in no words, so a body that has to be forgotten
has left nothing here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import msgspec

SAMPLES: Final = 128
SHARE: Final = 8
GROWTH: Final = 16
"""The first words are learned from the first samples, the next after so many times more of them, and so on."""
GENERATIONS_MAX: Final = 8
BYTES_MAX: Final = 3_600
"""Of the words that are learned at once."""
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder().decode


class Learning:
    """One sort of bodies; `generation` counts how often words were learned from it."""

    def __init__(self) -> None:
        self.generation = 0
        self._seen = 0
        self._samples: list[bytes] = []

    def see(self, given: bytes) -> bytes | None:
        """Take a body into account; return words when the time has come."""
        self._seen += 1
        last = SAMPLES * GROWTH**self.generation
        if self._seen <= last - SAMPLES or self.generation >= GENERATIONS_MAX:
            return None
        self._samples.append(given)
        if self._seen < last:
            return None
        samples, self._samples = self._samples, []
        return learned(samples)


def learned(samples: list[bytes]) -> bytes:
    """Return what the samples say alike, the most usual last."""
    said = [_decode(each) for each in samples]
    counts = Counter(text for each in said for text in set(_texts(each)))
    usual = {text for text, count in counts.items() if count * SHARE >= len(samples)}
    shapes = Counter[bytes]()
    example: dict[bytes, bytes] = {}
    for each in said:
        shape = _encode(_only(each, usual, False))
        shapes[shape] += 1
        example[shape] = _encode(_only(each, usual, True))
    words = b""
    for shape, _ in shapes.most_common():
        if len(words) + len(example[shape]) <= BYTES_MAX:
            words = example[shape] + words
    return words or example[next(iter(shapes))][:BYTES_MAX]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _only(value: Any, usual: set[str], numbers: bool) -> Any:
    """Return a value with nothing but usual texts, and numbers where they are wanted."""
    match value:
        case str():
            return value if value in usual else ""
        case dict():
            return {name: _only(each, usual, numbers) for name, each in value.items() if name in usual}
        case list():
            return [_only(each, usual, numbers) for each in value]
        case bool() | None:
            return value
        case int():
            return value if numbers else 0
        case _:
            return 0
