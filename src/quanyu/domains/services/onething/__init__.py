"""One thing done efficiently (高效办成一件事): bundles of items over the two life cycles, one form each, offices side by side,
one outcome; and what a step of such a process costs.
"""
