"""Incidents: one thing handled efficiently, on an everyday plan or an emergency one; levels and figures, the chain of
reports, plans with tasks for each unit, the response and its end, inquiry, and what was learned.
"""
