"""Measure 4: precise governance (精准治理)."""
