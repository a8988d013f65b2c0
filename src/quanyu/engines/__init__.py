"""Floor 1: engines. Each decides and folds its own facts behind a port."""
