"""The two languages of the public pages: which one a visitor reads, its words, and how it writes times and numbers."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final, Literal

from starlette.requests import Request

from quanyu.kernel.errors import Invalid
from quanyu.kernel.time import Instant, moment, parse_limit

Language = Literal["zh", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")
TAGS: Final[Mapping[Language, str]] = {"zh": "zh-CN", "en": "en"}
COOKIE: Final = "quanyu_language"
MINUTE_US: Final = 60_000_000


@lru_cache
def catalogue(language: Language) -> Mapping[str, str]:
    """Return the flat catalogue `section.key` → text that lies next to the templates."""
    text = files("quanyu.faces.web").joinpath("templates", f"strings.{language}.toml").read_text("utf-8")
    tables: dict[str, dict[str, str]] = tomllib.loads(text)
    return {f"{section}.{key}": value for section, entries in tables.items() for key, value in entries.items()}


def language_of(request: Request) -> Language:
    """Return what the visitor reads: ?lang, else the cookie, else Accept-Language, else Chinese."""
    for asked in (request.query_params.get("lang"), request.cookies.get(COOKIE)):
        if asked in LANGUAGES:
            return asked
    return preferred(request.headers.get("accept-language", ""))


def preferred(header: str) -> Language:
    """Return the language of Accept-Language with the highest quality; the first one counts among equals."""
    best: tuple[float, Language] = (0.0, "zh")
    for part in header.split(",")[:20]:
        tag, _, rest = part.partition(";")
        found = next((each for each in LANGUAGES if tag.strip().lower().partition("-")[0] == each), None)
        quality = _quality(rest)
        if found is not None and quality > best[0]:
            best = (quality, found)
    return best[1]


def _quality(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if not name:
        return 1.0
    try:
        return min(1.0, float(value)) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0


class Words:
    """Texts of one language in one city's time zone."""

    def __init__(self, language: Language, zone: str) -> None:
        self.language: Language = language
        self.tag = TAGS[language]
        self._texts = catalogue(language)
        self._zone = zone

    def __call__(self, key: str, **values: object) -> str:
        """Return a text with its values filled in; a key that no catalogue has is our own mistake."""
        return self._texts[key].format(**values)

    def has(self, key: str) -> bool:
        """Tell whether there is a text of this key: actions of packs may have none."""
        return key in self._texts

    def pick(self, said: Mapping[str, Any] | None) -> str:
        """Return the words of a {zh, en} mapping in this language, in the other where it has none."""
        if not said:
            return ""
        return str(said.get(self.language) or said.get("zh") or said.get("en") or "")

    def limit(self, text: str) -> str:
        """Write a limit such as "10 working days" in this language; as it stands where it is none."""
        try:
            return parse_limit(text).words(self.language)
        except Invalid:
            return text

    def when(self, at: Instant) -> str:
        """Write an instant to the minute, in the city's time."""
        local = moment(at, self._zone)
        return f"{self.day(at)} {local:%H:%M}"

    def by(self, at: Instant) -> str:
        """Write an instant by which something is due; midnight is the end of the day before, as people say it."""
        local = moment(at, self._zone)
        if (local.hour, local.minute) == (0, 0):
            return self("unit.end_of_day", day=self.day(at - 1))
        return self.when(at)

    def day(self, at: Instant) -> str:
        """Write a day with its year."""
        local = moment(at, self._zone)
        if self.language == "zh":
            return f"{local.year}年{local.month}月{local.day}日"
        return f"{local.day} {local:%B} {local.year}"

    def stamp(self, at: Instant) -> str:
        """Write an instant for machines: the datetime attribute of a time element."""
        return moment(at, self._zone).isoformat(timespec="minutes")

    def age(self, elapsed_us: int) -> str:
        """Write how long ago something was, in the coarsest unit that still says something."""
        minutes = max(0, elapsed_us) // MINUTE_US
        if minutes < 1:
            return self("age.now")
        for unit, size in (("days", 1440), ("hours", 60)):
            if minutes >= size * (2 if unit == "days" else 1):
                return self(f"age.{unit}", count=minutes // size)
        return self("age.minutes", count=minutes)

    def distance(self, metres: float) -> str:
        """Write a distance to the nearest ten metres, in kilometres from one kilometre."""
        if metres >= 1000:
            return self("unit.km", count=f"{metres / 1000:.1f}")
        return self("unit.m", count=max(10, round(metres / 10) * 10))
