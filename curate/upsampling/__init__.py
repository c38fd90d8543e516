"""DDCUp: new references, distorted and labeled, joined with the labeled originals."""
