"""Training of models of planes: linear predictions, samples, networks, export."""
