"""Which training set helps on real photographs? See `python -m benchmarks.real_photos --help`."""
