"""Stages that reshape a synthetic image-quality set, and what they build on."""
