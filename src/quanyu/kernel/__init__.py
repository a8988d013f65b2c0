"""Floor 0: the words everything else is said in. No I/O, no clock, no chance."""
