"""Labeled test sets: in their official layouts, or anybody's own."""
