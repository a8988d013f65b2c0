"""City vital signs for the overview: how much is open, late and waiting, beside the signs that other packs declare.
At most twelve stand on the overview; each has a band, an owner and an age, and becomes a case when it leaves its band.
"""
