"""What the decoder knows of files besides Pillow: torn ones, pixels of more than 8 bits, color profiles."""
