"""What a city's tables say of warnings: kinds of event, colours with their severity, and templates of texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from quanyu.kernel.errors import Invalid
from quanyu.kernel.warning.words import Texts

Row = Mapping[str, str]


class Kind(msgspec.Struct, frozen=True):
    """A kind of event. `of`: one of the four classes of the law. `industry`: three digits in the warning id."""

    id: str
    zh: str
    en: str
    of: str
    category: str
    response: str
    industry: str
    source: str
    status: str


class Colour(msgspec.Struct, frozen=True):
    """A colour with its level (1 is the worst) and the severity that it has in CAP."""

    id: str
    zh: str
    en: str
    level: int
    severity: str
    source: str
    status: str


class Template(msgspec.Struct, frozen=True):
    """Texts for a kind and a colour, in both languages; `{area}`, `{start}`, `{end}` and `{issuer}` are put in."""

    event: str
    colour: str
    texts: Mapping[str, Texts]
    source: str
    status: str


class WarningLaw(msgspec.Struct, frozen=True):
    """The tables together. `division` and `sender` say who the city is in ids and messages; `units`: names by unit."""

    division: str = "000000"
    sender: str = "city"
    zone: str = "Asia/Shanghai"
    kinds: Mapping[str, Kind] = {}
    colours: Mapping[str, Colour] = {}
    templates: Mapping[tuple[str, str], Template] = {}
    units: Mapping[str, Mapping[str, str]] = {}
    districts: Mapping[str, Mapping[str, str]] = {}
    unverified: bool = True

    def find_template(self, event: str, colour: str) -> Template | None:
        """Return the texts for a kind and a colour; those of any kind (`*`) where it has none of its own."""
        return self.templates.get((event, colour)) or self.templates.get(("*", colour))

    def versions(self, event: str, colour: str) -> list[str]:
        """Name the rows that a message follows, with their standing, as its record keeps them."""
        named = [(f"kinds.{event}", self.kinds.get(event)), (f"colours.{colour}", self.colours.get(colour))]
        return [f"{name} ({row.source}; {row.status})" for name, row in named if row is not None]


def read_law(tables: Mapping[str, Iterable[Row]], **city: Any) -> WarningLaw:
    """Read the tables kinds, colours and templates of a pack; raises Invalid (warning.table) with table and row."""
    kinds = {row["id"]: _row(Kind, row, "kinds") for row in tables.get("kinds", ())}
    colours = {row["id"]: _row(Colour, row, "colours") for row in tables.get("colours", ())}
    templates = {}
    for row in tables.get("templates", ()):
        texts = {
            language: Texts(**{field: row.get(f"{field}_{language}", "") for field in Texts.__struct_fields__})
            for language in ("zh", "en")
        }
        template = Template(row["event"], row["colour"], texts, row["source"], row["status"])
        if (template.event != "*" and template.event not in kinds) or template.colour not in colours:
            raise _no_table("templates", f"{template.event} {template.colour}", "its kind or its colour is not listed")
        templates[template.event, template.colour] = template
    return WarningLaw(kinds=kinds, colours=colours, templates=templates, **city)


def _row(shape: type[Any], row: Row, table: str) -> Any:
    try:
        return msgspec.convert({name: row.get(name, "") for name in shape.__struct_fields__}, shape, strict=False)
    except msgspec.ValidationError as fault:
        raise _no_table(table, row.get("id", ""), str(fault)) from fault


def _no_table(table: str, row: str, why: str) -> Invalid:
    return Invalid(
        f"Table {table} of the warnings cannot be read: {why}.",
        code="warning.table",
        where=f"{table}: {row}",
        remedy="Correct the row; a city's own tables stand in its profile.",
    )
