"""Stands in for `docker run` and `docker rm` of the suite's MQTT broker: starts and ends this machine's mosquitto."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path


def main(words: list[str]) -> int:
    """`run … -e CONF=name …` starts a broker, anything with `rm` ends it."""
    work, suite = Path(os.environ["MOSQUITTO_WORK"]), Path(os.environ["MOSQUITTO_SUITE"])
    work.mkdir(parents=True, exist_ok=True)
    number = work / "pid"
    if "rm" in words:
        _end(number)
        return 0
    conf = next((word.partition("=")[2] for word in words if word.startswith("CONF=")), "mosquitto.conf")
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        return 127
    _end(number)
    users = work / "users"
    rows = ["allow_anonymous true"]
    if "with_user" in conf:
        shutil.copyfile(suite / "mosquitto_pwd", users)
        users.chmod(0o600)
        rows = ["allow_anonymous false", f"password_file {users}"]
    rows += ["listener 1883 127.0.0.1", f"listener {os.environ['MOSQUITTO_PORT']} 127.0.0.1"]
    if os.geteuid() == 0:
        rows.append("user root")
    (work / "mosquitto.conf").write_text("\n".join(rows) + "\n", encoding="utf-8")
    with (work / "log").open("ab") as log:
        process = subprocess.Popen([program, "-c", str(work / "mosquitto.conf")], stdout=log, stderr=log)
    number.write_text(str(process.pid), encoding="utf-8")
    time.sleep(0.5)
    return 0


def _end(number: Path) -> None:
    if not number.exists():
        return
    with suppress(OSError, ValueError):
        os.kill(int(number.read_text(encoding="utf-8")), signal.SIGTERM)
    number.unlink()
    time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
