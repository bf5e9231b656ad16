"""Training of models of blocks: samples of blocks, least squares, one network a component class, export."""
