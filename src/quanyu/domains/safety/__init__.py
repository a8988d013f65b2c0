"""Measure 7: safety and resilience (安全韧性)."""
