"""HJ 212-2017 on the wire: `##`, four digits of length, data, four hex digits of its own CRC, CR LF.

The CRC is not the one of Modbus: the register moves down a byte before the next byte is added. What is refused here is
refused whole; a stream finds the next frame by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from quanyu.kernel.errors import Invalid

HEAD: Final = b"##"
TAIL: Final = b"\r\n"
AROUND: Final = 12
"""Bytes of a frame besides its data."""
DATA_BYTES_MAX: Final = 9_999
HEADERS: Final = ("QN", "ST", "CN", "PW", "MN", "Flag", "PNUM", "PNO")
SHAPES: Final = {
    "QN": re.compile(r"[0-9]{17}"),
    "ST": re.compile(r"[0-9]{2}"),
    "CN": re.compile(r"[0-9]{4}"),
    "PW": re.compile(r"[!-\"$%'-+\--:<>-~]{1,20}"),
    "MN": re.compile(r"[0-9A-Za-z]{1,24}"),
    "Flag": re.compile(r"[0-9]{1,3}"),
    "PNUM": re.compile(r"[0-9]{1,4}"),
    "PNO": re.compile(r"[0-9]{1,4}"),
}
DATA: Final = re.compile(r"((?:[A-Za-z]+=[^;=&]*;)+)CP=&&([^&]*)&&")
KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")
VALUE: Final = re.compile(r"[ -\"$%'-+\--:<>-~]{0,200}")
ANSWER_WANTED: Final = 1
"""Bit of Flag (unverified: rules.md does not give the bits)."""
SPLIT: Final = 2

Group = tuple[tuple[str, str], ...]


def _table() -> tuple[int, ...]:
    found = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ 0xA001 if value & 1 else value >> 1
        found.append(value)
    return tuple(found)


TABLE: Final = _table()


def crc(data: bytes) -> int:
    """Return the check number of HJ 212: register 0xFFFF; for each byte, register = (register >> 8) xor byte, 8 shifts."""
    register = 0xFFFF
    for byte in data:
        register = TABLE[(register >> 8) ^ byte]
    return register


class Frame(msgspec.Struct, frozen=True):
    """What a frame says. `cp` is its groups (`;` between them) of pairs (`,` between them), in the order sent."""

    qn: str
    st: str
    cn: str
    pw: str
    mn: str
    flag: int | None = None
    pnum: int | None = None
    pno: int | None = None
    cp: tuple[Group, ...] = ()

    @property
    def answer_wanted(self) -> bool:
        """The sender waits for an answer."""
        return bool((self.flag or 0) & ANSWER_WANTED)

    @property
    def split(self) -> bool:
        """The data go on in other frames."""
        return bool((self.flag or 0) & SPLIT) or self.pnum is not None or self.pno is not None


class Broken(msgspec.Struct, frozen=True):
    """Bytes that looked like a frame and are none, and why."""

    raw: bytes
    why: str


def packed(data: bytes) -> bytes:
    """Return data as a frame."""
    return b"##%04d%s%04X\r\n" % (len(data), data, crc(data))


def build(frame: Frame) -> bytes:
    """Return the bytes of a frame; `parse` gives the frame back."""
    groups = ";".join(",".join(f"{key}={value}" for key, value in group) for group in frame.cp)
    values = (frame.qn, frame.st, frame.cn, frame.pw, frame.mn, frame.flag, frame.pnum, frame.pno)
    head = "".join(f"{name}={value};" for name, value in zip(HEADERS, values, strict=True) if value is not None)
    return packed(f"{head}CP=&&{groups}&&".encode("ascii"))


def parse(raw: bytes) -> Frame:
    """Return what one whole frame says; Invalid (hj212.frame) when it is none."""
    stream = Stream()
    found = list(stream.feed(raw))
    if len(found) != 1 or not isinstance(found[0], bytes) or stream.partial or stream.skipped:
        raise _wrong("these bytes are not one whole frame")
    return read(found[0])


def read(data: bytes) -> Frame:
    """Return what the data of a frame say; Invalid (hj212.frame) names the field that is wrong."""
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError as fault:
        raise _wrong("it holds bytes beyond ASCII") from fault
    found = DATA.fullmatch(text)
    if found is None:
        raise _wrong("its data are not of the form QN=…;ST=…;CN=…;PW=…;MN=…;Flag=…;CP=&&…&&")
    head: dict[str, str] = {}
    for part in found[1].rstrip(";").split(";"):
        name, _, value = part.partition("=")
        if name not in SHAPES or name in head or not SHAPES[name].fullmatch(value):
            raise _wrong(f"its field {name[:20]} is unknown, repeated, or not of its shape")
        head[name] = value
    lacking = [name for name in HEADERS[:5] if name not in head]
    if lacking:
        raise _wrong(f"it lacks {', '.join(lacking)}")
    flag, pnum, pno = (int(head[name]) if name in head else None for name in HEADERS[5:])
    groups = tuple(_groups(found[2]))
    return Frame(head["QN"], head["ST"], head["CN"], head["PW"], head["MN"], flag, pnum, pno, groups)


def _groups(text: str) -> Iterator[Group]:
    for group in text.split(";") if text else ():
        pairs = []
        for pair in group.split(","):
            key, mark, value = pair.partition("=")
            if not mark or not KEY.fullmatch(key) or not VALUE.fullmatch(value):
                raise _wrong(f"{pair[:40]!r} in CP is not name=value")
            pairs.append((key, value))
        yield tuple(pairs)


def masked(data: bytes) -> bytes:
    """Return data without the password, for whoever looks at what was refused."""
    return re.sub(rb"PW=[^;]*", b"PW=***", data)


class Stream:
    """Finds frames in bytes that come in any pieces; after a broken one it goes on at the next `##`."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.skipped = 0
        """Bytes that belonged to no frame."""

    @property
    def partial(self) -> bool:
        """A frame has begun and is not yet whole."""
        return bool(self._buffer)

    def feed(self, piece: bytes) -> Iterator[bytes | Broken]:
        """Yield the data of each whole frame, and what looked like a frame and is none."""
        self._buffer += piece
        while (found := self._next()) is not None:
            yield found

    def give_up(self) -> Iterator[bytes | Broken]:
        """Take the frame that does not become whole for broken, and look into what came after its beginning."""
        if self._buffer:
            yield Broken(bytes(self._buffer), "it did not come to its end in time")
            self._skip(len(HEAD) if self._buffer.startswith(HEAD) else 1)
            yield from self.feed(b"")

    def _next(self) -> bytes | Broken | None:
        buffer = self._buffer
        while True:
            start = buffer.find(HEAD)
            if start < 0:
                # A last # may be the first half of the next head.
                self._skip(len(buffer) - (1 if buffer.endswith(b"#") else 0))
                return None
            self._skip(start)
            length = bytes(buffer[2:6])
            if length and not length.isdigit():
                self._skip(1)
                continue
            if len(length) < 4 or len(buffer) < int(length) + AROUND:
                return None
            end = int(length) + AROUND
            data, check, tail = (
                bytes(buffer[6 : end - 6]),
                bytes(buffer[end - 6 : end - 2]),
                bytes(buffer[end - 2 : end]),
            )
            if tail != TAIL or check != b"%04X" % crc(data):
                broken = Broken(bytes(buffer[:end]), "its end is not CR LF" if tail != TAIL else "its CRC is wrong")
                self._skip(len(HEAD))
                return broken
            del buffer[:end]
            return data

    def _skip(self, count: int) -> None:
        self.skipped += count
        del self._buffer[:count]


def _wrong(why: str) -> Invalid:
    return Invalid(f"The frame cannot be read: {why}.", code="hj212.frame")
