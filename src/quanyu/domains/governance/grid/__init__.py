"""Grid cases of city management: components and events that collectors, citizens and supervisors notice, through the
seven stages from collection to closing, with limits by sub-class and the five scores.
"""
