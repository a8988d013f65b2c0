"""The devices of a home: the plan that was declared, the passwords it names, and how each source does."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from quanyu.assembly.letters import Letters
from quanyu.kernel.device import Message, Origin, Plan, Secret, parse_devices
from quanyu.kernel.device.factors import Factors, parse_factors
from quanyu.kernel.errors import Conflict, Invalid, Missing, QuanyuError
from quanyu.kernel.journal import Instant

NAME = "devices.toml"
SECRET_BYTES_MAX = 1_000
WARNINGS_MAX = 20


class Gauge(msgspec.Struct):
    """How a source does. `dropped` were lost for want of room (QoS 0), `dead` could not be taken, `waiting` are on the way."""

    kind: str
    up: bool = False
    since: Instant = 0
    received: int = 0
    observations: int = 0
    dropped: int = 0
    dead: int = 0
    waiting: int = 0
    fault: str | None = None
    note: str | None = None


class Devices:
    """What faces that talk to devices work by: plan, secrets, gauges, dead letters; empty until `declare`."""

    def __init__(self, home: Path) -> None:
        self.plan = Plan()
        self.factors = Factors()
        self.folder = home
        self.letters = Letters(home / "rejects")
        self.gauges: dict[str, Gauge] = {}
        self.door: socket.socket | None = None
        """The bound socket of the HJ 212 door; None keeps it shut."""
        self._secrets: Mapping[Secret, str] = {}

    def declare(
        self,
        plan: Plan,
        secrets: Mapping[Secret, str],
        folder: Path,
        factors: Factors | None = None,
        door: socket.socket | None = None,
    ) -> None:
        """Take what a devices file says; `folder` is where the files stand that it names."""
        self.plan, self._secrets, self.folder = plan, secrets, folder
        self.factors, self.door = factors or Factors(), door

    def secret(self, secret: Secret) -> str | None:
        """Return a password, None when none was named."""
        return self._secrets.get(secret)

    def gauge(self, name: str, kind: str, now: Instant) -> Gauge:
        """Return a fresh gauge of a source, seen in health and metrics from now on."""
        gauge = self.gauges[name] = Gauge(kind, since=now)
        return gauge

    def health(self) -> dict[str, Any]:
        """Return every source by its name."""
        return {name: msgspec.to_builtins(gauge) for name, gauge in tuple(self.gauges.items())}

    def warnings(self) -> list[str]:
        """Return the sources that are down, without the reasons: everybody may read these lines."""
        down = [name for name, gauge in tuple(self.gauges.items()) if not gauge.up]
        more = [f"{len(down) - WARNINGS_MAX} more sources are down"] if len(down) > WARNINGS_MAX else []
        return [*(f"{name} is down" for name in down[:WARNINGS_MAX]), *more]


def load_plan(file: Path, messages: Sequence[Message]) -> Plan:
    """Read a devices file; Missing or Invalid say what is wrong, with its line."""
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError as fault:
        raise Missing(
            f"Devices file {file} does not exist.", code="devices.file", where="--devices", remedy="Check the path."
        ) from fault
    except (OSError, UnicodeDecodeError) as fault:
        raise Invalid(f"Devices file {file} cannot be read: {fault}.", code="devices.file", where=str(file)) from fault
    return parse_devices(text, file.name, messages)


def load_factors(plan: Plan, folder: Path) -> Factors:
    """Read the table of factor codes that a plan names; Missing or Invalid say what is wrong, with its line."""
    if plan.hj212 is None:
        return Factors()
    path = folder / plan.hj212.factors
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise Missing(
            f"Table of factors {path} cannot be read.",
            code="devices.factors",
            where=str(path),
            remedy="Write it: docs/guides/devices.md shows its columns.",
        ) from fault
    return parse_factors(text, path.name)


def find_secrets(plan: Plan, folder: Path, environ: Mapping[str, str] = os.environ) -> dict[Secret, str]:
    """Return the passwords that a plan names, from variables and files; no error repeats one."""
    named = [broker.secret for broker in plan.brokers if broker.user is not None]
    named += [station.secret for station in plan.hj212.stations] if plan.hj212 else []
    return {secret: _secret(secret, folder, environ) for secret in named}


def _secret(secret: Secret, folder: Path, environ: Mapping[str, str]) -> str:
    if secret.env is not None:
        found = environ.get(secret.env, "")
        if not found:
            raise Missing(
                f"Variable {secret.env} holds no password.",
                code="devices.password",
                where=secret.env,
                remedy="Set it, then start.",
            )
        return found
    path = folder / (secret.file or "")
    try:
        text = path.read_text("utf-8")[:SECRET_BYTES_MAX].strip()
    except (OSError, UnicodeDecodeError) as fault:
        raise Missing(
            f"Password file {path} cannot be read.",
            code="devices.password",
            where=str(path),
            remedy="Check path and rights.",
        ) from fault
    if not text:
        raise Missing(
            f"Password file {path} is empty.", code="devices.password", where=str(path), remedy="Write the password."
        )
    return text


def check_origin(plan: Plan, simulated: bool) -> None:
    """Keep real and simulated values apart (SEMANTICS §6): Conflict names the first source that does not fit the home."""
    sources: list[tuple[str, Origin]] = [(f"mqtt:{broker.name}", broker.origin) for broker in plan.brokers]
    if plan.hj212 is not None:
        sources.append(("hj212", plan.hj212.origin))
    for name, origin in sources:
        if simulated and origin == "live":
            raise Conflict(
                f"A simulated home refuses the real source {name}.",
                code="devices.simulated",
                where=name,
                remedy='If it plays something back, say so: as = "replay". Otherwise use a home that is not simulated.',
            )
        if not simulated and origin == "replay":
            raise Conflict(
                f"The source {name} plays something back, and this home is a real city's.",
                code="devices.replayed",
                where=name,
                remedy="Replay it into a simulated home, or import what was as history.",
            )


def provenance(origin: Origin, source: str) -> str:
    """Return the provenance of what a source sends."""
    return f"{'measured' if origin == 'live' else 'simulated'}:{source}"


def client_id(home: Path, name: str) -> str:
    """Return an MQTT client id that stays the same for a home and its source, so that the broker knows its session."""
    return f"quanyu-{name}-{hashlib.blake2b(str(home.resolve()).encode(), digest_size=5).hexdigest()}"


def as_error(fault: Exception) -> QuanyuError:
    """Return a fault as an error of the tree, for a dead letter."""
    return fault if isinstance(fault, QuanyuError) else QuanyuError(f"The hub fails: {fault!r}", code="device.failed")
