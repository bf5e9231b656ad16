"""Lossy recompression, part by part."""
