"""Cases: what to do about what was noticed.

One object (事) for hotline orders, grid cases, alarms, permits and findings. A case is a fold over append-only
actions; its flow is a value pinned by hash; what may be done next is derived, never stored; its clocks count the time
that the law counts and cannot be lost. Decisions resolve everything (instants, units, versions) into the record, so
that replay needs neither flow nor calendar.
"""
