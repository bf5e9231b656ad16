"""Training of the hierarchical model: crops of pictures, one autoencoder after the other, export."""
