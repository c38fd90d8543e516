"""From an image to a content vector."""
