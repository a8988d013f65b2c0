"""SQLite through apsw: the store and the queries of each engine."""
