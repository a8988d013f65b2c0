"""A hub in a process of its own that makes entities until it is killed: `teller.py HOME URI`, one line for each receipt."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from quanyu.adapters.http.carrier import HttpCarrier
from tests.telling import Told


def main(home: str, uri: str) -> None:
    told = Told(Path(home), threads=True, carrier=HttpCarrier(allow_private=True))
    told.subscribe("urn:s:fast", endpoint={"uri": uri})
    told.subscribe("urn:s:dead", endpoint={"uri": "http://127.0.0.1:9/"})
    for number in range(100_000):
        told.machine.at = time.time_ns() // 1_000
        told.create(f"urn:b:{number}", name="A")
        print(number, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
