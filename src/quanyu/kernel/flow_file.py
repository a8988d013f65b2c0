"""Where the documents of flows were found before flows became a package."""

from quanyu.kernel.flow.document import HASH_DIGITS, flow_document, flow_from_document, flow_hash

__all__ = ["HASH_DIGITS", "flow_document", "flow_from_document", "flow_hash"]
