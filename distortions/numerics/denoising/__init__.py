"""The denoiser of distortion 15: its network, the weights that ship with the package, and how it is run."""
