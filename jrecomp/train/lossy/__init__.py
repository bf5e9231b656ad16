"""Learning of the rules that determine quantization steps in lossy recompression."""
