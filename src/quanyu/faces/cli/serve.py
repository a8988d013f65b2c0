"""`quanyu serve`: open the home, start what keeps it going, answer until a signal comes."""

from __future__ import annotations

import errno
import ipaddress
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import msgspec

from quanyu.faces.cli import show
from quanyu.kernel.errors import Conflict, Invalid

if TYPE_CHECKING:
    from quanyu.assembly import Hub

GRACE_S = 5
BACKLOG = 2048


class Wish(msgspec.Struct, frozen=True):
    """What the command line asked for."""

    home: Path
    host: str = "127.0.0.1"
    port: int = 8000
    city: str = "beijing"
    demo: bool = False
    open: bool = False
    speed: float = 60.0
    seed: int = 8
    start: str | None = None
    warm_days: int | None = None
    allow_private: bool = False
    temporal_page: int = 10_000
    tenants: bool = False
    body_max: int = 16 * 1024 * 1024
    devices: Path | None = None
    hj212: int | None = None


def bound(host: str, port: int, option: str = "--port (or QUANYU_PORT)") -> socket.socket:
    """Return a socket bound to the address; Conflict when another program has the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
        # Whoever comes while the home is being opened waits in the queue and is not turned away.
        found.listen(BACKLOG)
    except OSError as fault:
        found.close()
        taken = fault.errno == errno.EADDRINUSE
        raise Conflict(
            f"Port {port} on {host} is {'taken by another program' if taken else f'not to be had: {fault.strerror}'}.",
            code="serve.port",
            where=f"{host}:{port}",
            remedy=f"Use another {option}, or stop that program.",
        ) from fault
    return found


def check(wish: Wish) -> None:
    """Refuse to stand open on an address that others reach."""
    if wish.open and not _loopback(wish.host):
        raise Invalid(
            f"--open does not go with host {wish.host}: anybody could act as anybody.",
            code="serve.open",
            where="--host",
            remedy="Use --open on 127.0.0.1 only, or leave --open out and sign in.",
        )


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def serve(wish: Wish) -> None:
    """Serve a home until SIGINT or SIGTERM; the port is taken first, then the home, so a clash changes nothing."""
    check(wish)
    # Until the server runs, a signal leaves through every `finally` on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with ExitStack() as stack:
        bound_socket = stack.enter_context(bound(wish.host, wish.port))
        hub = stack.enter_context(home_at_work(wish))
        declare_devices(hub, wish, stack)
        hub.url = f"http://{f'[{wish.host}]' if ':' in wish.host else wish.host}:{bound_socket.getsockname()[1]}"
        # Listening before the link is printed: whoever clicks at once is kept waiting, not refused.
        bound_socket.listen(BACKLOG)
        _announce(hub)
        _answer(hub, bound_socket)


@contextmanager
def home_at_work(wish: Wish) -> Iterator[Hub]:
    """Open the home with its readers, its socket for other processes and, in a demo, its simulation."""
    from quanyu.assembly import Options, open_hub
    from quanyu.assembly.housekeeping import Housekeeper
    from quanyu.assembly.operations import run_operation
    from quanyu.assembly.owner import Server
    from quanyu.assembly.remote import was_simulated

    demo = wish.demo or was_simulated(wish.home)
    options = Options(
        city=wish.city,
        demo=demo,
        open=wish.open,
        speed=wish.speed,
        seed=wish.seed,
        allow_private=wish.allow_private,
        temporal_page=wish.temporal_page,
        makes_tenants=wish.tenants,
        body_bytes_max=wish.body_max,
    )
    hub = open_hub(wish.home, options)
    with ExitStack() as stack:
        stack.callback(hub.close)
        hub.start()
        server = Server(wish.home, lambda name, arguments, told: run_operation(hub, name, arguments, told))
        stack.callback(server.close)
        if demo:
            stack.enter_context(_simulated(hub, wish))
        keeper = Housekeeper(hub)
        stack.callback(keeper.stop)
        keeper.start()
        yield hub


def declare_devices(hub: Hub, wish: Wish, stack: ExitStack) -> None:
    """Tell the hub which devices it listens to: --devices, else devices.toml of the home when there is one."""
    from quanyu.assembly import devices

    file = wish.devices or wish.home / devices.NAME
    if wish.devices is None and wish.hj212 is None and not file.exists():
        return
    messages = [message for pack in hub.packs for message in pack.messages]
    plan = devices.load_plan(file, messages)
    if wish.hj212 is not None and plan.hj212 is None:
        raise Invalid(
            f"{file.name} names no stations that speak HJ 212.",
            code="devices.hj212",
            where="--hj212",
            remedy="Add [hj212] with its stations, or leave --hj212 out.",
        )
    devices.check_origin(plan, hub.simulated)
    secrets, factors = devices.find_secrets(plan, file.parent), devices.load_factors(plan, file.parent)
    door = None
    if wish.hj212 is not None and plan.hj212 is not None:
        door = stack.enter_context(bound(plan.hj212.host, wish.hj212, "--hj212"))
    hub.devices.declare(plan, secrets, file.parent, factors, door)


@contextmanager
def _simulated(hub: Hub, wish: Wish) -> Iterator[None]:
    from quanyu.assembly.demo import WARM_DAYS, start_demo

    warm_days = WARM_DAYS if wish.warm_days is None else wish.warm_days
    with show.progress(quiet=False) as progress:
        driver = start_demo(hub, wish.seed, wish.start, warm_days, progress)
    driver.start()
    try:
        yield
    finally:
        driver.stop()


def _announce(hub: Hub) -> None:
    from quanyu.assembly.doors import first_link

    show.plain(f"Quanyu serves {hub.city.name['en']} at {hub.url}")
    if hub.access.open:
        show.plain("Open mode: whoever sits at this machine may do everything. Nobody else is let in.")
        return
    link = first_link(hub)
    if link is not None:
        show.plain(f"Sign in, once, within 15 minutes: {hub.url}{link}")


def _answer(hub: Hub, bound_socket: socket.socket) -> None:
    import uvicorn

    from quanyu.faces.cli.compose import compose, stop

    config = uvicorn.Config(
        compose(hub),
        loop="uvloop",
        http="httptools",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # A forwarded address is believed by nobody: open mode judges the real peer.
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = ending(uvicorn.Server(config), lambda: stop(hub))
    # The server raises the signal once more when it has ended; the home is still to be closed then.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    server.run(sockets=[bound_socket])


def ending(server: Any, before: Callable[[], None]) -> Any:
    """Call `before` when a signal ends the server: streams that never end would otherwise hold it up."""
    handle = server.handle_exit

    def handle_exit(number: int, frame: FrameType | None) -> None:
        before()
        handle(number, frame)

    server.handle_exit = handle_exit
    return server
