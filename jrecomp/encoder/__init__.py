"""Pictures to JPEG files."""
