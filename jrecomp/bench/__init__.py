"""Comparison with other programs on the same files, every round trip checked."""
