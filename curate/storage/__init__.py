"""Bytes on disk, crash-safe: images, pixel stores, atomic writes, safe paths."""
