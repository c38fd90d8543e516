"""The human mean of each type and level: what people say of a condition, whatever the picture."""
