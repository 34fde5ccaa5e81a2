"""Run all benchmarks, or those named: ``python -m benchmarks NAME ...`` with the names of :data:`NAMES`."""

from __future__ import annotations

import subprocess
import sys

NAMES = (
    "summarise",
    "windows",
    "memory",
    "demo",
    "cold_start",
    "quiet",
    "shift",
    "training",
    "week",
    "month",
)


def main() -> int:
    """Run each in a process of its own, so that one cannot warm or fill another's memory."""
    wanted = sys.argv[1:] or NAMES
    unknown = set(wanted) - set(NAMES)
    if unknown:
        print(f"no benchmark {', '.join(sorted(unknown))}: use {', '.join(NAMES)}", file=sys.stderr)
        return 2
    failed = [
        name
        for name in wanted
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode
    ]
    print("all goals reached" if not failed else f"goals missed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
