"""One process owns a home: the lock, and the socket through which commands of other processes reach the owner."""

from __future__ import annotations

import fcntl
import os
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import msgspec
import structlog

from quanyu.kernel import errors
from quanyu.kernel.errors import Conflict, QuanyuError, Unavailable

LINE_BYTES_MAX = 16 * 1024 * 1024
Operation = Callable[[str, Mapping[str, Any], Callable[[str, float], None]], Any]
log = structlog.get_logger()


class Lock:
    """An advisory lock on `<home>/lock`, held as long as the process lives or until `release`."""

    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._file: IO[str] = (home / "lock").open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            owner = self._file.read().strip() or "unknown"
            self._file.close()
            raise Conflict(
                f"Home {home} is owned by process {owner}.",
                code="home.owned",
                where=str(home),
                remedy="Stop that process, or use another --home.",
            ) from None
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        """Give the home free."""
        self._file.truncate(0)
        self._file.close()


def _socket_path(home: Path) -> str:
    # A socket's path may hold about 100 bytes only; a relative one through /proc serves deep homes.
    path = home / "hub.sock"
    if len(os.fsencode(path)) < 100:
        return str(path)
    return f"/proc/self/fd/{os.open(home, os.O_RDONLY | os.O_DIRECTORY)}/hub.sock"


class Server:
    """Answers operations of other processes on `<home>/hub.sock`, one line of JSON each, progress before the result."""

    def __init__(self, home: Path, run: Operation) -> None:
        self._run = run
        self._path = home / "hub.sock"
        self._path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(_socket_path(home))
        self._path.chmod(0o600)
        self._socket.listen(8)
        threading.Thread(target=self._accept, name="hub.sock", daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(peer,), name="hub.sock-call", daemon=True).start()

    def _answer(self, peer: socket.socket) -> None:
        with peer, peer.makefile("rwb") as stream:

            def say(message: Mapping[str, Any]) -> None:
                stream.write(msgspec.json.encode(message) + b"\n")
                stream.flush()

            try:
                request = msgspec.json.decode(stream.readline(LINE_BYTES_MAX))
                result = self._run(
                    request["name"], request["arguments"], lambda text, share: say({"progress": text, "share": share})
                )
                say({"result": result})
            except QuanyuError as error:
                say({"error": type(error).__name__, "message": error.message, "code": error.code,
                     "where": error.where, "remedy": error.remedy})  # fmt: skip
            except BrokenPipeError:
                log.info("caller left before the answer")
            except Exception as error:  # a runner: the caller hears that it failed, the hub lives on
                log.error("operation failed", exc_info=error)
                say({"error": "Unavailable", "message": f"The operation fails: {error}.", "code": "operation.failed"})

    def close(self) -> None:
        """Stop answering."""
        self._socket.close()
        self._path.unlink(missing_ok=True)


def call(
    home: Path, name: str, arguments: Mapping[str, Any], progress: Callable[[str, float], None] | None = None
) -> Any:
    """Run an operation in the process that owns the home; Missing `home.unowned` when nobody does."""
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        peer.connect(_socket_path(home))
    except (FileNotFoundError, ConnectionRefusedError):
        peer.close()
        raise errors.Missing(f"No process owns home {home}.", code="home.unowned", where=str(home)) from None
    with peer, peer.makefile("rwb") as stream:
        stream.write(msgspec.json.encode({"name": name, "arguments": arguments}) + b"\n")
        stream.flush()
        while line := stream.readline(LINE_BYTES_MAX):
            message = msgspec.json.decode(line)
            if "progress" in message:
                if progress is not None:
                    progress(message["progress"], message["share"])
            elif "error" in message:
                kind: type[QuanyuError] = getattr(errors, message["error"], Unavailable)
                raise kind(
                    message["message"], code=message.get("code"), where=message.get("where"),
                    remedy=message.get("remedy"),
                )  # fmt: skip
            else:
                return message["result"]
    raise Unavailable("The owner of the home went away before it answered.", code="home.gone", retry_after_s=5)
