"""Profile of Beijing (110000): districts, offices and sourced facts, as data only; shapes come at run time."""
