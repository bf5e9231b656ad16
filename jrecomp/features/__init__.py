"""Integer inputs of the networks, computed from the coefficients that are already coded."""
