"""Credit of persons and bodies: a piece of bad information from its record to its repair, with the publication periods
and the objection that the rules give, and a withdrawal that every consumer has to answer.
"""
