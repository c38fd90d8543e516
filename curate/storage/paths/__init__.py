"""Paths and names of files: what may be opened, and how a name is spelled."""
