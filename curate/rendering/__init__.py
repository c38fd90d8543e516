"""From a manifest row to its pixels."""
