"""Measure 6: a liveable environment (宜居环境)."""
