"""What is in a manifest, whether it is sound, and how far a run is."""
