"""Indicators: how well the city does.

Declared measures fold what is (context), what was (history) and what is being done (cases) by place and period; a pure
formula makes one number of them, judged against a band. Each number keeps the versions of the parameters that it used,
the age of its data and the rows behind it; out of its band it becomes a case, so a number on a screen is never only
looked at.
"""
