"""Training of the pre-editing network of `jrecomp encode`."""
