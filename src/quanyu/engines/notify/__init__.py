"""Who must know: subscriptions to entities and to registrations, and webhooks with receipts.

A subscription (`subscriptions`) is compiled to a watch; the reader (`subscriptions_reader`) asks the index whom a change
concerns, a round writes each entity once for all who want it alike, and the dispatch sends parcels down the lanes of
their receivers: at once from memory, in order, one letter at a time. What is not delivered holds the reader's cursor
until it is a row; so after a kill everything unsettled is told again, and nothing stops in silence. Any reader may have a
dispatch of its own, with receivers of its own.

A webhook names record kinds and a condition. The reader writes one outbox row per record and receiver in the step that
moves its cursor, so nothing is forgotten; a courier per receiver delivers in order, signed, with growing pauses, and
after the last try the row goes to the dead letters, from where it can be sent again. A dead receiver delays nobody:
each has its own bounded queue and its own thread. Receivers may see a delivery twice and know it by its key.
"""
