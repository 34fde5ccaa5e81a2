"""History → model."""
