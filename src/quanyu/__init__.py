"""Quanyu (全域): one live picture of a city, and the whole loop on it."""
