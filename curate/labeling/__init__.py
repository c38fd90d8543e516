"""Pseudo-labels from labeled references, and their error against human labels."""
