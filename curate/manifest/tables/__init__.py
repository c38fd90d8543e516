"""Tables that come in: cast to the manifest's schema, or cut anew."""
