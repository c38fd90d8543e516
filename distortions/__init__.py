"""The 25 distortions of KADID-10k as pure pixel functions."""
