"""Who must know: webhooks with receipts.

A webhook names record kinds and a condition. The reader writes one outbox row per record and receiver in the step that
moves its cursor, so nothing is forgotten; a courier per receiver delivers in order, signed, with growing pauses, and
after the last try the row goes to the dead letters, from where it can be sent again. A dead receiver delays nobody:
each has its own bounded queue and its own thread. Receivers may see a delivery twice and know it by its key.
"""
