"""Run an operation on a home wherever it is owned: through its socket, or here when nobody owns it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import apsw

from quanyu.assembly import Options, open_hub, owner
from quanyu.assembly.operations import run_operation
from quanyu.kernel.errors import Missing

DATABASE = "quanyu.db"
NEED_A_HOME = frozenset(
    {"check", "backup", "export", "checkpoint", "erase", "edit-calendar", "accept-time", "token.list", "token.revoke"}
    | {"flow.draw"}
)


def call(
    home: Path, name: str, arguments: Mapping[str, Any], progress: Callable[[str, float], None] | None = None
) -> Any | None:
    """Run an operation in the process that owns the home; None when nobody does."""
    try:
        return owner.call(home, name, arguments, progress)
    except Missing as error:
        if error.code == "home.unowned":
            return None
        raise


def operate(
    home: Path,
    name: str,
    arguments: Mapping[str, Any],
    progress: Callable[[str, float], None] = lambda text, share: None,
    city: str = "beijing",
) -> Any:
    """Run an operation in the owner of the home, or open the home, run it and close it again."""
    if name in NEED_A_HOME and not (home / DATABASE).exists():
        raise Missing(
            f"Home {home} does not exist.",
            code="home.missing",
            where=str(home),
            remedy="Name another --home, or make one with quanyu serve or quanyu import.",
        )
    result = call(home, name, arguments, progress)
    if result is not None:
        return result
    hub = open_hub(home, Options(city=city, demo=was_simulated(home)))
    try:
        hub.start()
        return run_operation(hub, name, arguments, progress)
    finally:
        hub.close()


def was_simulated(home: Path) -> bool:
    """Tell whether a simulation has ever stepped this home: such a home stays simulated."""
    path = home / DATABASE
    if not path.exists():
        return False
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return connection.execute("SELECT 1 FROM setting WHERE name = 'simulation'").fetchone() is not None
    except apsw.SQLError:
        return False
    finally:
        connection.close()
