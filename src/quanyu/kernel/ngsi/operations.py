"""The names of operations that may be distributed, and of their groups (4.20)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

PROVISION: Final = frozenset(
    "createEntity updateEntity appendAttrs updateAttrs deleteAttrs deleteEntity createBatch upsertBatch updateBatch "
    "deleteBatch upsertTemporal appendAttrsTemporal deleteAttrsTemporal updateAttrInstanceTemporal "
    "deleteAttrInstanceTemporal deleteTemporal mergeEntity replaceEntity replaceAttrs mergeBatch purgeEntity".split()
)
CONSUMPTION: Final = frozenset(
    "retrieveEntity queryEntity queryBatch retrieveTemporal queryTemporal retrieveEntityTypes "
    "retrieveEntityTypeDetails retrieveEntityTypeInfo retrieveAttrTypes retrieveAttrTypeDetails "
    "retrieveAttrTypeInfo".split()
)
_SUBSCRIPTION = frozenset(
    "createSubscription updateSubscription retrieveSubscription querySubscription deleteSubscription".split()
)
_MAPS = frozenset("retrieveEntityMap updateEntityMap deleteEntityMap createEntityMapQueryEntity".split())
_SUPPORT = _MAPS | {"createEntityMapQueryTemporal", "retrieveContextSourceIdentity"}
_TYPES = frozenset(name for name in CONSUMPTION if "Types" in name or "Type" in name)
_READ = frozenset({"retrieveEntity", "queryEntity"})
_ASSOCIATION = _READ | {"queryBatch", "retrieveContextSourceIdentity"} | _TYPES | _SUBSCRIPTION
_REDIRECTED = frozenset(
    "createEntity updateEntity appendAttrs updateAttrs deleteAttrs deleteEntity mergeEntity replaceEntity replaceAttrs "
    "purgeEntity retrieveContextSourceIdentity".split()
)
GROUPS: Final = {
    "federationOps": _ASSOCIATION | _MAPS,
    "associationOps": _ASSOCIATION,
    "updateOps": frozenset({"updateEntity", "updateAttrs", "replaceEntity", "replaceAttrs"}),
    "retrieveOps": _READ,
    "redirectionOps": _REDIRECTED | _READ | _TYPES | _MAPS,
}
OPERATIONS: Final = PROVISION | CONSUMPTION | _SUBSCRIPTION | _SUPPORT
DEFAULT: Final = ("federationOps",)
"""What a source takes that does not say."""
SUPPLEMENTARY: Final = frozenset({"retrieveOps", "retrieveEntity", "queryEntity"})
"""What an auxiliary source may be asked (5.9.2.4)."""


def operations_of(names: Iterable[str]) -> frozenset[str]:
    """Return the operations that names and groups stand for."""
    return frozenset(each for name in names for each in GROUPS.get(name, (name,)))
