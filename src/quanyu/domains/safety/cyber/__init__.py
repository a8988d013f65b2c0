"""Cyber security: the register of assets, weak spots that become tickets, incidents graded and reported within their hours
with evidence, and the report of a year produced from records.
"""
