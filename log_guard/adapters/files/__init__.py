"""Logs from a file, plain or compressed, or from standard input.

One idea a file: ``reading`` gets the bytes, ``unpacking`` decompresses them, ``batches`` cuts them
into lines, events and batches, ``follow`` keeps up with what is still growing, ``source`` is the
way in.
"""

from log_guard.adapters.files.batches import BatchCutter, StartsEvent, UnlessAfter
from log_guard.adapters.files.follow import has_line
from log_guard.adapters.files.source import FileSource, never

__all__ = ["BatchCutter", "FileSource", "StartsEvent", "UnlessAfter", "has_line", "never"]
