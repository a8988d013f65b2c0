"""The names of operations that may be distributed, and of their groups (4.20)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


PROVISION: Final = _names(
    "createEntity updateEntity appendAttrs updateAttrs deleteAttrs deleteEntity createBatch upsertBatch updateBatch "
    "deleteBatch upsertTemporal appendAttrsTemporal deleteAttrsTemporal updateAttrInstanceTemporal "
    "deleteAttrInstanceTemporal deleteTemporal mergeEntity replaceEntity replaceAttrs mergeBatch purgeEntity"
)
_TYPES = _names(
    "retrieveEntityTypes retrieveEntityTypeDetails retrieveEntityTypeInfo retrieveAttrTypes retrieveAttrTypeDetails "
    "retrieveAttrTypeInfo"
)
_READ = _names("retrieveEntity queryEntity")
CONSUMPTION: Final = _TYPES | _READ | _names("queryBatch retrieveTemporal queryTemporal")
_SUBSCRIPTION = _names(
    "createSubscription updateSubscription retrieveSubscription querySubscription deleteSubscription"
)
_MAPS = _names("retrieveEntityMap updateEntityMap deleteEntityMap createEntityMapQueryEntity")
_IDENTITY = _names("retrieveContextSourceIdentity")
_ASSOCIATION = _READ | _names("queryBatch") | _TYPES | _SUBSCRIPTION | _IDENTITY
_REDIRECTED = _names(
    "createEntity updateEntity appendAttrs updateAttrs deleteAttrs deleteEntity mergeEntity replaceEntity replaceAttrs "
    "purgeEntity"
)
GROUPS: Final = {
    "federationOps": _ASSOCIATION | _MAPS,
    "associationOps": _ASSOCIATION,
    "updateOps": _names("updateEntity updateAttrs replaceEntity replaceAttrs"),
    "retrieveOps": _READ,
    "redirectionOps": _REDIRECTED | _READ | _TYPES | _MAPS | _IDENTITY,
}
OPERATIONS: Final = PROVISION | CONSUMPTION | _SUBSCRIPTION | _MAPS | _IDENTITY | _names("createEntityMapQueryTemporal")
DEFAULT: Final = ("federationOps",)
"""What a source takes that does not say."""
SUPPLEMENTARY: Final = _READ | _names("retrieveOps")
"""What an auxiliary source may be asked (5.9.2.4)."""


def operations_of(names: Iterable[str]) -> frozenset[str]:
    """Return the operations that names and groups stand for."""
    return frozenset(each for name in names for each in GROUPS.get(name, (name,)))
