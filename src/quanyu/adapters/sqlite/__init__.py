"""SQLite through apsw: journal, state and indexes of a home in one file."""
