"""Pseudo-labels from labeled references, and how far they miss human labels."""
