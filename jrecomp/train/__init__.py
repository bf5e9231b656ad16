"""Training of models with torch: from pictures to weights files."""
