"""What the columns of a baseline's tables hold."""

from __future__ import annotations

SPELLS, COUNT, SQUARES, WINDOWS, LONG_COUNT, LONG_SQUARES, STRETCHES = range(7)
"""Sums of keys and of volumes: spells with it, its count and that count's square a tumbling window, windows with
it; count and square a whole stretch, stretches with it."""

STATEMENT_SPELLS, STATEMENT_WINDOWS = range(2)
"""Sums of statements."""

TRACE, LAST, AGE = range(3)
"""Peaks of statements."""

WATCHED_SPELLS, WATCHED_WINDOWS, WATCHED_STRETCHES, GAPS = range(4)
"""Sums of groups: for how long they were watched; from the last on, gaps by length."""
LENGTHS = 12
"""Lengths by which gaps are counted."""
