"""Files: their format, the contents of a saved estimator, and checkpoints."""
