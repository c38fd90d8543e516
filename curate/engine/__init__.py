"""How work is carried out: cosine geometry, random draws, workers."""
