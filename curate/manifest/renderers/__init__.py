"""What renders a manifest's rows besides this package's own types, and whether it has changed."""
