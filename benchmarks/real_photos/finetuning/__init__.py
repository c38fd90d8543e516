"""Networks trained end to end on crops: the larger mode."""
