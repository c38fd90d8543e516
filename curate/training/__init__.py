"""For a torch loop: dataset, sampler, feature collection."""
