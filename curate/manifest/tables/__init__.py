"""Tables that come in: cast to the schema of manifests, or cut into pieces of one size."""
