"""HTTP out of the hub: what leaves it, and where it may not go."""
