"""What things are on disk: manifests, features, images, labels."""
