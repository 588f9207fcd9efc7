"""Files: estimators as plain values, without code, and checkpoints."""
