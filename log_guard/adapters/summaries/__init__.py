"""Summaries kept as files: a directory of Parquet files, which any tool for tables can read."""

from log_guard.adapters.summaries.directory import (
    StoredSummaries,
    SummaryWriter,
    is_summaries,
)

__all__ = ["StoredSummaries", "SummaryWriter", "is_summaries"]
