"""Ways to thin a training set before each epoch, beside their controls."""
