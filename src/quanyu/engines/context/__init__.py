"""Context says what is: entities with their attributes and places, and the last observed values laid over them.

Structure (entities and their described attributes) is kept for ever in the journal; observed values are telemetry: one
record a batch, the current value in table `last`, the entity document untouched.
"""
