"""Training of models of blocks: samples, linear predictions, and a network for each component class."""
