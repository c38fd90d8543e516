"""The whole pipeline on scenes that it paints."""
