"""What was: every observation of the city in columns, the newest visible before they reach the disk.

The journal is the log; the history is its columnar copy. `HistoryReader` gathers observed records into a **hot tail**
in memory and flushes it, after so many rows or so long a time, as one sorted file of the store (adapters/lake: a
Delta table). The reader's cursor moves only with a flush that is durable, so what a power cut takes from memory is
read again from the journal; and because the store keeps the last flushed seq in the very transaction that adds the
file, a cut between file and cursor loses nothing and doubles nothing. Reads (`HistoryView`) lay three things over one
another: the files, the hot tail, and the records that were committed but not read yet; so a write is visible with its
receipt.

One rule decides between rows of the same (entity, attribute, dataset, observed_at): the last in journal order (seq,
offset) stands. With the same value it is a duplicate, with another a correction; the value before it stays in the
files until compaction folds it away. (seq, offset) is the identity of an instance; striking the instance that stands
(`history.strike`) leaves nothing at that instant until somebody observes again.

What NGSI-LD tells of the past is more than numbers: instances of every kind from the kept records of entities, and what
is told to the history itself, amended and forgotten (`history.add`, `history.amend`, `history.forget`). Plain numbers go
to the columns, other instances with a time to table `instances`, and kept records that tell something without a time are
found again through `described`. `TemporalView` puts the evolution of an entity together from all of these and from what
is unread. Numbers and other instances of one key stand apart: the later is shown, and striking it shows the other.

Who may see a series is judged before: faces check the entity against the actor's `Filter` and then call the view.
"""
