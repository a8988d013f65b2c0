"""Value-added services (增值化): what happens to a firm brings it what it may have: an offer that it takes or declines, or the
benefit itself without an application where the city says that the law allows it. A refusal is remembered.
"""
