"""Rows of several distortions: which chains a reference gets, and how they are drawn."""
