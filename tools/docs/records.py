"""The page of records and tables, read from the engines: what may stand in a journal, and in which rows it ends."""

import inspect
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from tools.docs.markdown import section, sentence, table

INTRO = (
    "An engine owns command kinds, record kinds and tables. A record of the *kept* life stays for ever; the body of a "
    "*telemetry* record may be pruned once every reader and the history have it. *Canonical* tables are a fold over the "
    "journal, and `quanyu check` rebuilds and compares them; the others are cursors, queues and memories. The columns of "
    "a key are bold."
)


def page(city: str = "beijing") -> str:
    """One section per engine and per reader with tables of its own."""
    from quanyu.assembly.joining import reader_tables
    from quanyu.assembly.opening import load_declared, make_engines

    engines = make_engines(load_declared(city, simulated=False), lambda actor: (), allow_private=False)
    own = {table.name for engine in engines for table in engine.tables}
    readers = [found for found in reader_tables() if found.name not in own]
    return f"{INTRO}\n\n" + "".join(map(_engine, engines)) + section(2, "Readers", tables(readers))


def _engine(engine: Any) -> str:
    package = sys.modules[type(engine).__module__.rpartition(".")[0]]
    doc = inspect.getdoc(package if "engines" in package.__name__ else type(engine)) or ""
    commands = ", ".join(f"`{kind}`" for kind in sorted(engine.commands))
    kinds = table(("Record", "Version", "Life"), ((f"`{each.name}`", each.version, each.life) for each in engine.kinds))
    return section(
        2, engine.name, sentence(doc), f"Commands: {commands}." if commands else "", kinds, tables(engine.tables)
    )


def tables(found: Iterable[Any]) -> str:
    """Tables with their columns, the key's columns in bold."""
    return table(("Table", "Columns", "Canonical"), _rows(found))


def _rows(found: Iterable[Any]) -> Iterator[tuple[object, ...]]:
    for each in found:
        names = [column.split()[0] for column in each.columns]
        marked = [f"**{name}**" if place < each.keys else name for place, name in enumerate(names)]
        yield f"`{each.name}`", ", ".join(marked), "yes" if each.canonical else "no"
