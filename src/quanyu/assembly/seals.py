"""What a paper can carry of the journal: digests of records and the link of a commit, to be compared with a home later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Store, Stored, digest_of

BATCH = 200


def sealed(store: Store, document: dict[str, Any], seqs: Iterable[int]) -> dict[str, Any]:
    """Return a document with `seals` and `checksum`.

    The seals are seq, instant, kind and digest of records, and the last link of the chain with the seq that it ends at.
    """
    document = document | {"seals": {"records": [_seal(each) for each in _records(store, seqs)], "head": _head(store)}}
    return document | {"checksum": checksum(document)}


def differences(store: Store, kept: Mapping[str, Any]) -> list[str]:
    """Return where seals that were written down differ from the home's journal; none: all of it is there unchanged.

    Raises Invalid (dossier.form) for what holds no seals.
    """
    try:
        written = {
            int(each["seq"]): (int(each["at"]), str(each["kind"]), str(each["digest"])) for each in kept["records"]
        }
        head_seq, link = int(kept["head"]["seq"]), str(kept["head"]["link"])
    except (KeyError, TypeError, ValueError) as fault:
        raise Invalid(
            f"The file holds no seals of records: {fault!r:.80}.",
            code="dossier.form",
            where="seals",
            remedy="Give the JSON of a dossier as it was exported.",
        ) from fault
    found = {each.seq: _seal(each) for each in _records(store, written)}
    faults = []
    for seq, (at, kind, digest) in sorted(written.items()):
        here = found.get(seq)
        if here is None:
            faults.append(f"record {seq} ({kind}) is not in this home")
        elif (here["at"], here["kind"], here["digest"]) != (at, kind, digest):
            faults.append(f"record {seq} ({kind}) is another one in this home")
    ends = store.read(head_seq - 1, 1)
    if not ends or ends[0].seq != head_seq or (ends[0].chain or b"").hex() != link:
        faults.append(f"the chain of this home does not pass through the link at record {head_seq}")
    return faults


def read_dossier(file: Path) -> dict[str, Any]:
    """Read a dossier's JSON; raises Invalid (dossier.form) for what is none, and where its checksum does not fit."""
    try:
        document = msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError) as fault:
        raise Invalid(
            f"Dossier {file} cannot be read: {fault}.",
            code="dossier.form",
            where=str(file),
            remedy="Give the JSON of a dossier as it was exported.",
        ) from fault
    if checksum(document) != document.get("checksum"):
        raise Invalid(
            f"Dossier {file} was changed after it was exported: its checksum does not fit.",
            code="dossier.checksum",
            where="checksum",
            remedy="Ask for it anew.",
        )
    return document


def checksum(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of everything but the checksum itself, as JSON with sorted names."""
    covered = {name: value for name, value in document.items() if name != "checksum"}
    return sha256(msgspec.json.encode(covered, order="sorted")).hexdigest()


def _records(store: Store, seqs: Iterable[int]) -> list[Stored]:
    return [stored for seq in sorted(set(seqs)) for stored in store.read(seq - 1, 1) if stored.seq == seq]


def _seal(stored: Stored) -> dict[str, Any]:
    digest = stored.digest if stored.body is None else digest_of(stored.salt or b"", stored.body)
    return {"seq": stored.seq, "at": stored.at, "kind": stored.kind, "digest": (digest or b"").hex()}


def _head(store: Store) -> dict[str, Any]:
    """Return the last link: every commit ends with one."""
    end = store.head()
    return {"seq": end.seq, "link": end.chain.hex()}
