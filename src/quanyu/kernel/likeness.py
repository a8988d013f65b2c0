"""How alike two reports are: in place, time and words. No dictionary: pairs of characters serve Chinese as they are."""

from __future__ import annotations

import math
import unicodedata
from typing import Final

import msgspec

from quanyu.kernel.hexgrid import METRES_PER_DEGREE
from quanyu.kernel.journal import Instant

LETTERS_MAX: Final = 200
"""Letters of a text that are looked at: what people write later in a report says less about which matter it is."""

ADDRESS_LEAST: Final = 0.3
"""Addresses less alike than this are two places, where no points say better."""

HOUR_US: Final = 3_600_000_000


class Weights(msgspec.Struct, frozen=True):
    """What counts how much, and what is too far to be the same: `away_m` metres, `apart_us` microseconds.

    The three shares add to one. `other_class` is what is left of a score when the classes differ.
    """

    away_m: float = 200.0
    apart_us: int = 72 * HOUR_US
    place: float = 0.4
    words: float = 0.45
    time: float = 0.15
    other_class: float = 0.4


class Report(msgspec.Struct, frozen=True):
    """What is compared of a report; `letters` are those of `letters_of`, `address` likewise."""

    at: Instant
    letters: str
    lon: float | None = None
    lat: float | None = None
    address: str = ""
    category: str | None = None


class Likeness(msgspec.Struct, frozen=True):
    """A score in 0..1 and what it stands on; `away_m` is None where one of the two has no point."""

    score: float
    away_m: float | None
    apart_us: int
    words: float
    same_class: bool | None

    @property
    def why(self) -> dict[str, str]:
        """The reason in words that a dispatcher can check."""
        near = ("地点相近", "a like address") if self.away_m is None else _metres(self.away_m)
        zh_time, en_time = _span(self.apart_us)
        share = round(self.words * 100)
        parts_zh, parts_en = (
            [near[0], zh_time, f"文字相同{share}%"],
            [near[1], en_time, f"{share} % of the words alike"],
        )
        if self.same_class is not None:
            parts_zh.append("同一类别" if self.same_class else "类别不同")
            parts_en.append("the same class" if self.same_class else "another class")
        return {"zh": ",".join(parts_zh), "en": ", ".join(parts_en)}


def letters_of(text: str) -> str:
    """Return the letters and digits of a text in one width and case; what is punctuation or picture is left out."""
    plain = unicodedata.normalize("NFKC", text[: LETTERS_MAX * 4]).casefold()
    return "".join(letter for letter in plain if letter.isalnum())[:LETTERS_MAX]


def common(one: str, other: str) -> float:
    """Return the share of pairs of letters that two texts have in common (Dice), 0 to 1."""
    pairs, others = _pairs(one), _pairs(other)
    return 2 * len(pairs & others) / (len(pairs) + len(others)) if pairs and others else 0.0


def metres(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    """Return the distance of two points of one city in metres (a plane at their latitude)."""
    east = (other_lon - lon) * METRES_PER_DEGREE * math.cos(math.radians((lat + other_lat) / 2))
    return math.hypot(east, (other_lat - lat) * METRES_PER_DEGREE)


def likeness(one: Report, other: Report, weights: Weights) -> Likeness | None:
    """Compare two reports; None when they are too far apart in place or time to be about the same matter."""
    apart = abs(one.at - other.at)
    if apart > weights.apart_us:
        return None
    away = None
    if one.lon is not None and one.lat is not None and other.lon is not None and other.lat is not None:
        away = metres(one.lon, one.lat, other.lon, other.lat)
        if away > weights.away_m:
            return None
        near = 1 - away / weights.away_m
    else:
        near = common(one.address, other.address)
        if near < ADDRESS_LEAST:
            return None
    words = common(one.letters, other.letters)
    score = weights.place * near + weights.words * words + weights.time * (1 - apart / weights.apart_us)
    same = one.category == other.category if one.category and other.category else None
    if same is False:
        score *= weights.other_class
    return Likeness(score, away, apart, words, same)


def _pairs(letters: str) -> set[str]:
    return {letters[place : place + 2] for place in range(len(letters) - 1)}


def _metres(away: float) -> tuple[str, str]:
    return f"相距{round(away)}米", f"{round(away)} m apart"


def _span(apart_us: int) -> tuple[str, str]:
    minutes = apart_us // 60_000_000
    if minutes < 120:
        return f"相隔{minutes}分钟", f"{minutes} min between them"
    return f"相隔{minutes // 60}小时", f"{minutes // 60} h between them"
