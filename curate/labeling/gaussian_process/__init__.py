"""The labeler `gp`: a Gaussian process on content and condition, and its kernels."""
