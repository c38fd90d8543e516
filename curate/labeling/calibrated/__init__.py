"""Labels from a fitted map of full-reference measures, for rows that no human label speaks of."""
