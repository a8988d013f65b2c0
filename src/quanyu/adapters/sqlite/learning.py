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
    """One sort of bodies, and what it will be learned from next."""

    def __init__(self) -> None:
        self.left = 0
        """How many are to be seen before samples are taken."""
        self._samples: list[bytes] = []
        self.begin(0)

    def begin(self, generation: int) -> None:
        """Wait for the next samples; after the last generation for ever."""
        self._samples = []
        self.left = SAMPLES * GROWTH**generation - SAMPLES if generation < GENERATIONS_MAX else -1

    def see(self, given: bytes) -> bytes | None:
        """Take a sample; return words when there are enough."""
        self._samples.append(given)
        return learned(self._samples) if len(self._samples) >= SAMPLES else None


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
