"""Incidents: what a case of an incident carries besides its steps: class, figures and grade, level, response, plan,
resources, the log of what was ordered, and how the city's functions came back.

The work itself is cases: the incident's own, and beside it one case for every task, report and inquiry, each with its
clocks; they name the incident as the asset that they are about.
"""
