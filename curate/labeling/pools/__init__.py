"""Pools of labeled rows, and labels of unlike sources in one manifest."""
