"""Registers: what departments hold of persons and firms, sealed per subject, with where it is from and as of when.

A department puts and corrects only what its own registers hold. Whoever needs a value reads it through the view `held`,
for a stated purpose; erasing a person destroys what is held of them.
"""
