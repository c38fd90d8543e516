"""Resumable runs: shards, the plan they follow, and the executors that carry them out."""
