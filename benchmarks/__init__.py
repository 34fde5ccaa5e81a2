"""Speed and quality, measured: ``make bench``. Speeds are ratios taken in one run."""
