"""Labeled test sets: in their official layouts, or a user's own."""
