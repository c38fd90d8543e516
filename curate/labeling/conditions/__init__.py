"""The human mean of each type and level: the mean score of a condition over all pictures."""
