"""DSMix: two distorted images in one, with soft labels."""
