"""DGQA: which distortion types suit a target set."""
