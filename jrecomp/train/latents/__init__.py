"""Training of models with latents: crops of pictures, one autoencoder after the other, export."""
