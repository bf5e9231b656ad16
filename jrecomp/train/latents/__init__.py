"""Training of models with latents: crops of pictures, autoencoders, export."""
