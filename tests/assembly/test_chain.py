"""Laws of the chain: whatever bodies have gone it verifies, and whatever else has changed is found in its commit."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from quanyu.assembly.chain import Chain, header, linked
from quanyu.kernel.journal import Head, Record, Stored, digest_of

commits = st.lists(st.lists(st.binary(max_size=5), min_size=1, max_size=4), min_size=1, max_size=5)


def journal(bodies: Sequence[Sequence[bytes]]) -> list[Stored]:
    stored: list[Stored] = []
    link = Head().chain
    for commit in bodies:
        first = len(stored) + 1
        records = [
            (Record(first + n, first, "person:a", "observed", 1, "s", None, None, "measured"), body)
            for n, body in enumerate(commit)
        ]
        stored += linked(records, link)
        link = stored[-1].chain or b""
    return stored


def faults(stored: Sequence[Stored]) -> list[str]:
    chain = Chain(Head())
    found = [wrong for wrong in map(chain.fault, stored) if wrong is not None]
    return found if chain.whole else [*found, "not whole"]


@given(commits, st.sets(st.integers(0, 19)))
def test_bodies_go_and_the_chain_still_verifies(bodies: list[list[bytes]], gone: set[int]) -> None:
    stored = [
        msgspec.structs.replace(each, body=None, salt=None, digest=digest_of(each.salt or b"", each.body or b""))
        if place in gone
        else each
        for place, each in enumerate(journal(bodies))
    ]
    assert faults(stored) == []


@given(commits, st.data())
def test_a_change_is_found_in_its_commit_and_nowhere_else(bodies: list[list[bytes]], data: st.DataObject) -> None:
    stored = journal(bodies)
    place = data.draw(st.integers(0, len(stored) - 1))
    changes: list[dict[str, Any]] = [
        {"actor": "person:b"},
        {"body": b"changed"},
        {"body": None},
        {"salt": bytes(16)},
        {"cause": 1},
    ]
    stored[place] = msgspec.structs.replace(stored[place], **data.draw(st.sampled_from(changes)))
    (fault,) = faults(stored)
    end = next(each.seq for each in stored[place:] if each.chain is not None)
    first = next((each.seq for each in reversed(stored[:place]) if each.chain is not None), 0) + 1
    assert fault.startswith(f"record {end} does not" if first == end else f"the commit of records {first} to {end} ")


@given(commits, st.data())
def test_a_record_taken_out_is_missed(bodies: list[list[bytes]], data: st.DataObject) -> None:
    stored = journal([*bodies, [b"end"]])
    place = data.draw(st.integers(0, len(stored) - 2))
    del stored[place]
    assert f"record {place + 2} follows record {place}" in faults(stored)[0]


def test_a_journal_linked_record_by_record_verifies() -> None:
    """As every home up to schema 3 is."""
    stored, link = list[Stored](), bytes(32)
    for each in journal([[b"a"], [b"b"], [b"c"]]):
        digest = digest_of(each.salt or b"", each.body or b"")
        link = sha256(link + header(each) + digest).digest()
        stored.append(msgspec.structs.replace(each, digest=digest, chain=link))
    assert faults(stored) == []
