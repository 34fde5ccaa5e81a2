"""``python -m log_guard.cli``."""

from log_guard.cli import main

main()
