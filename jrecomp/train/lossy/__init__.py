"""Learning of the rules by which lossy recompression chooses steps."""
