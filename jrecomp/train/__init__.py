"""Training with torch: from pictures to shipped weights."""
