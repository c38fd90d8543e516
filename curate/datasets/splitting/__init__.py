"""Which references are for training and which are for testing: drawn by seed, or read where a set has its own split."""
