"""From pristine references to a classifier of distortion types."""
