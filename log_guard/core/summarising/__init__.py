"""Events → summaries: the work of one source."""
