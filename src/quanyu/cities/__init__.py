"""City profiles: data only."""
