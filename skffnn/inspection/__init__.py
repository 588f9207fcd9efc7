"""Looking at a fitted network: learning curves, its neurons and its weights."""
