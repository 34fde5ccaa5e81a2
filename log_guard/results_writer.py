"""``python -m log_guard.results_writer``: ``logguard write`` under its first name."""

from __future__ import annotations

import sys

from log_guard.cli import main

if __name__ == "__main__":
    sys.argv[1:1] = ["write"]
    main()
