"""Reports of one matter: found by place, time and words, folded into one case with the reason shown, and undone."""
