"""Rows and labels: from the user's arrays to minibatches and validation sets."""
