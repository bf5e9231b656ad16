"""Training of the network that restores pictures (jrecomp.restorer)."""
