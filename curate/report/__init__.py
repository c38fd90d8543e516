"""One HTML page about what became of a set."""
