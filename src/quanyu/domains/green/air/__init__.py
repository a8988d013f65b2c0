"""Air quality: what stations report hourly, the limits of the national standard with its dated transition, and the
search for the source when a limit is passed. The air quality index is left out: its 2026 breakpoints are not known.
"""
