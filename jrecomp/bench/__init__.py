"""Benchmarks: comparisons with other programs on the same files. Every lossless round trip is checked."""
