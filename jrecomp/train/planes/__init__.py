"""Training of models of planes: linear predictions, samples, one network after the other, export."""
