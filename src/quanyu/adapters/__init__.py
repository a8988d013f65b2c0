"""Floor 2a: what the hub drives (stores, lakes, networks)."""
