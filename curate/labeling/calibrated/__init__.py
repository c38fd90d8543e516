"""Labels from a fitted map of full-reference measures, for rows without a human label."""
