"""Types of distortion that users register, and how they travel into other processes."""
