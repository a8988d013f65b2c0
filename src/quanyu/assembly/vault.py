"""The personal vault: fields encrypted with one key per person, so that destroying the key forgets the person."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from quanyu.assembly.core import PERSON_KEY, PERSONAL
from quanyu.kernel.errors import Missing
from quanyu.kernel.journal import State

NONCE_BYTES = 12


def seal(state: State, person: str, fields: Mapping[str, str]) -> str:
    """Write fields under the person's key (made at first use); return their reference."""
    row = state.get(PERSON_KEY, person)
    key: bytes = row[1] if row else AESGCM.generate_key(256)
    if row is None:
        state.put(PERSON_KEY, (person, key))
    reference = f"personal:{secrets.token_hex(12)}"
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = nonce + AESGCM(key).encrypt(nonce, msgspec.json.encode(dict(fields)), reference.encode())
    state.put(PERSONAL, (reference, person, sealed))
    return reference


def unseal(key: bytes, reference: str, sealed: bytes) -> dict[str, str]:
    """Return the fields; Missing when the key does not open them (erased or damaged)."""
    try:
        clear = AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], reference.encode())
    except InvalidTag as error:
        raise Missing(f"Personal data {reference} is erased or damaged.", code="personal.gone") from error
    return msgspec.json.decode(clear, type=dict[str, str])
