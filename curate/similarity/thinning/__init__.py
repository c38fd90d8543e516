"""Thinning of a pool: rows that lie close to a later row are dropped, exactly, without a list of pairs."""
