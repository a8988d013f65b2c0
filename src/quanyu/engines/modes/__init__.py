"""The city's mode: proposed by one person, set by another, lifted with a reason or by its end; recorded for ever."""
