"""DRCDown: one epoch's rows, redundant clusters thinned."""
