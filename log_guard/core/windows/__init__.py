"""Event-time windows: panes in, windows out."""

from log_guard.core.windows.batch import WindowBatch
from log_guard.core.windows.panes import PANE_SCHEMA
from log_guard.core.windows.spec import WHOLE, WHOLE_STREAM, WindowSpec
from log_guard.core.windows.windows import Windows

__all__ = ["PANE_SCHEMA", "WHOLE", "WHOLE_STREAM", "WindowBatch", "WindowSpec", "Windows"]
