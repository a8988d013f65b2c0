"""Digital vendors: what they committed themselves to, what their services measurably did, what follows from it in public
procurement, and how a vendor repairs its standing; the same loop as credit, with receipts of everybody who uses it.
"""
