"""Benchmarks: ratios to a named peer, measured in one run on CPU time."""
