"""How surprising a window is, count by count."""
