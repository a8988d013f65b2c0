"""Secrets that a caller holds and the hub does not: it keeps their digests.

The secrets are 256 bits of chance, so a plain SHA-256 is enough: there is no dictionary to try.
"""

from __future__ import annotations

import hashlib
import secrets

ID_LENGTH = 20
"""Hex digits of the digest that name a token, link or session; not enough to find the secret."""


def fresh_secret(prefix: str) -> str:
    """Return a new secret to be shown once; the prefix lets secret scanners and people recognise it."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"


def digest_of(secret: str) -> str:
    """Return the SHA-256 of a secret in hex, the only form that may be stored."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def id_of(digest: str) -> str:
    """Return the name of the thing behind a digest, as it may appear in lists and logs."""
    return digest[:ID_LENGTH]
