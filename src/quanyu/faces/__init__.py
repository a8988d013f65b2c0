"""Floor 4: what drives the hub: people, programs and devices."""
