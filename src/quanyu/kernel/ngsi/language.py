"""The language filter (4.15): which text of a languageMap a reader is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from quanyu.kernel.errors import Invalid

_RANGES_MAX: Final = 32
_CHARS_MAX: Final = 512


@lru_cache(maxsize=256)
def parse_lang(text: str) -> tuple[str, ...]:
    """Return the language ranges of `fr-CH,fr;q=0.9,*;q=0.5`, best first, in small letters."""
    parts = [part.strip() for part in text.split(",")] if len(text) <= _CHARS_MAX else []
    if not 1 <= len(parts) <= _RANGES_MAX:
        raise _unreadable(text)
    ranked = []
    for part in parts:
        tag, _, weight = part.partition(";")
        tag = tag.strip().lower()
        if not tag or (not tag.replace("-", "").isalnum() and tag != "*"):
            raise _unreadable(text)
        quality = _quality(weight.strip(), text)
        if quality > 0:
            ranked.append((-quality, tag))
    return tuple(tag for _, tag in sorted(ranked, key=lambda row: row[0]))


def _quality(weight: str, text: str) -> float:
    if not weight:
        return 1.0
    name, _, number = weight.partition("=")
    try:
        quality = float(number)
    except ValueError as broken:
        raise _unreadable(text) from broken
    if name.strip().lower() != "q" or not 0 <= quality <= 1:
        raise _unreadable(text)
    return quality


def _unreadable(text: str) -> Invalid:
    return Invalid(
        f"Language filter {text[:80]!r} cannot be read.",
        code="lang.syntax",
        where="lang",
        remedy="Write for example fr-CH,fr;q=0.9,en;q=0.8,*;q=0.5.",
    )


def choose(texts: Mapping[str, Any], ranges: tuple[str, ...]) -> tuple[str, Any]:
    """Return the best tag and its text; when no range fits, any language: the default one, or the first."""
    tags = {tag.lower(): tag for tag in texts}
    for wanted in ranges:
        for tag in _fitting(wanted, tags):
            return tags[tag], texts[tags[tag]]
    tag = "@none" if "@none" in texts else next(iter(texts))
    return tag, texts[tag]


def _fitting(wanted: str, tags: Mapping[str, str]) -> Iterator[str]:
    """Yield the tags that serve a range (RFC 4647): itself, narrower ones, then wider ones."""
    if wanted in tags:
        yield wanted
    yield from (tag for tag in tags if tag.startswith(f"{wanted}-"))
    while "-" in wanted:
        wanted = wanted.rpartition("-")[0]
        if wanted in tags:
            yield wanted
