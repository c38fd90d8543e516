"""The table and its rules: schema, provenance, roots, ids, splits, seeds, recipes."""
