"""HJ 212 frames: the vector of the standard, frames there and back, and no damaged byte ever passes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.faces.hj212.frame import Broken, Frame, Stream, build, crc, masked, packed, parse, read
from quanyu.kernel.errors import Invalid

VECTOR = b"QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&"
"""The example of HJ 212-2017: 101 bytes, CRC 1C80 (Modbus would say 0759)."""


def modbus(data: bytes) -> int:
    register = 0xFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ 0xA001 if register & 1 else register >> 1
    return register


def test_the_standards_own_example() -> None:
    assert len(VECTOR) == 101
    assert crc(VECTOR) == 0x1C80
    assert modbus(VECTOR) == 0x0759
    assert packed(VECTOR) == b"##0101" + VECTOR + b"1C80\r\n"
    frame = parse(packed(VECTOR))
    assert frame == Frame(
        "20160801085857223", "32", "1062", "100000", "010000A8900016F000169DC0", 5, cp=((("RtdInterval", "30"),),)
    )
    assert frame.answer_wanted
    assert not frame.split


DIGITS = st.text("0123456789", min_size=1)
WORD = st.text("ABCxyz0189", min_size=1, max_size=12)
VALUE = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters=";,=&#"), max_size=12)
PAIR = st.tuples(st.from_regex(r"[A-Za-z0-9_-]{1,12}", fullmatch=True), VALUE)
FRAMES = st.builds(
    Frame,
    qn=st.from_regex(r"[0-9]{17}", fullmatch=True),
    st=st.from_regex(r"[0-9]{2}", fullmatch=True),
    cn=st.from_regex(r"[0-9]{4}", fullmatch=True),
    pw=st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=";,=&#"), min_size=1, max_size=12),
    mn=WORD,
    flag=st.none() | st.integers(0, 255),
    pnum=st.none() | st.integers(0, 9999),
    pno=st.none() | st.integers(0, 9999),
    cp=st.lists(st.lists(PAIR, min_size=1, max_size=4).map(tuple), max_size=6).map(tuple),
)


@given(FRAMES)
def test_a_frame_comes_back_as_it_went(frame: Frame) -> None:
    assert parse(build(frame)) == frame


@given(FRAMES, st.data())
def test_no_damaged_byte_passes(frame: Frame, data: st.DataObject) -> None:
    raw = bytearray(build(frame))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != raw[place]))
    with pytest.raises(Invalid) as caught:
        parse(bytes(raw))
    assert caught.value.code == "hj212.frame"


@given(st.lists(FRAMES, max_size=4), st.lists(st.integers(0, 400), max_size=8))
def test_a_stream_may_come_in_any_pieces(frames: list[Frame], cuts: list[int]) -> None:
    raw = b"".join(map(build, frames))
    places = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    stream = Stream()
    found = [each for start, end in pairwise(places) for each in stream.feed(raw[start:end])]
    assert [read(each) for each in found if isinstance(each, bytes)] == frames
    assert not stream.partial
    assert stream.skipped == 0


@given(st.binary(max_size=60).filter(lambda noise: b"##" not in noise and not noise.endswith(b"#")), FRAMES)
def test_noise_before_a_frame_is_passed_over(noise: bytes, frame: Frame) -> None:
    stream = Stream()
    found = list(stream.feed(noise + build(frame)))
    assert [read(each) for each in found if isinstance(each, bytes)] == [frame]
    assert stream.skipped == len(noise)


@given(FRAMES, FRAMES, st.integers(7, 60))
def test_a_frame_that_was_cut_off_does_not_swallow_the_next(first: Frame, second: Frame, kept: int) -> None:
    cut = build(first)
    stream = Stream()
    found = list(stream.feed(cut[: min(kept, len(cut) - 1)] + build(second)))
    found += list(stream.give_up())
    while stream.partial and (more := list(stream.give_up())):
        found += more
    assert [read(each) for each in found if isinstance(each, bytes)] == [second]


def test_what_a_broken_frame_is_called() -> None:
    good = packed(VECTOR)
    for raw, why in (
        (good[:-2] + b"\n\n", "CR LF"),
        (good[:-6] + b"1c80\r\n", "CRC"),
        (good[:-6] + b"0759\r\n", "CRC"),
    ):
        (broken,) = Stream().feed(raw)
        assert isinstance(broken, Broken)
        assert why in broken.why
    assert list(Stream().feed(b"##12x4" + b"y" * 50)) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b"CP=&&RtdInterval=30&&", b"CP=&&RtdInterval=30", "of the form"),
        (b"ST=32;", b"ST=32;ST=32;", "repeated"),
        (b"ST=32;", b"XX=32;", "unknown"),
        (b"ST=32;", b"ST=3;", "shape"),
        (b"ST=32;", b"", "lacks ST"),
        (b"MN=010000A8900016F000169DC0", b"MN=../../etc", "shape"),
        (b"RtdInterval=30", b"RtdInterval", "name=value"),
        (b"RtdInterval=30", "间隔=30".encode("gbk"), "ASCII"),
        (b"Flag=5", b"Flag=5000", "shape"),
    ],
)
def test_data_of_another_shape_are_refused(old: bytes, new: bytes, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        parse(packed(VECTOR.replace(old, new)))


def test_a_password_is_not_shown() -> None:
    assert b"100000" not in masked(VECTOR).replace(b"010000A8900016F000169DC0", b"")
    assert b"PW=***;MN=" in masked(VECTOR)
