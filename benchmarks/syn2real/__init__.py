"""Does reshaping a synthetic set help on authentic-like images? See `python -m benchmarks.syn2real --help`."""
