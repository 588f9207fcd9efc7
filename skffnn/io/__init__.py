"""Files: the format, what a file of an estimator holds, and checkpoints."""
