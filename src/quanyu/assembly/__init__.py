"""Floor 3: reads the configuration, picks adapters, loads packs and returns a Hub."""
