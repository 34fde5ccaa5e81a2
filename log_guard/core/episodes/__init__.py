"""Results → alerts."""
