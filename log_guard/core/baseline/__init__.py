"""What is usual, and how it grows."""
