"""Who may: people, roles, grants, tokens and sessions.

A person holds grants (role × unit × district); a role is a list of action patterns, each with a reach (all, unit,
district, own). What no grant allows is refused. Secrets never enter the journal: tokens, sign-in links and sessions
are known by their SHA-256 digest, names live in the vault. Expiries are machine time, because a simulated city may run
sixty times faster than the clock on the wall.
"""
