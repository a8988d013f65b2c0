"""What the Makefile calls: set up, check, build and document this checkout. Standard library only."""
