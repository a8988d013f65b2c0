"""Floor 2b: the twelve measures of the guideline; inside each, packs of one shape."""
