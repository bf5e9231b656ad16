"""Learning of the quantization tables of `jrecomp encode`."""
