"""One fit: from the parameters of an estimator and its data to fitted attributes."""
