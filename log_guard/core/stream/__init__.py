"""Detection as a fold over the records of a topic."""
