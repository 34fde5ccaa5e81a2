"""``logguard summaries``: keep summaries as files, of a log or of what Kafka holds."""

from __future__ import annotations

from pathlib import Path

from log_guard.adapters.kafka.reading import read
from log_guard.adapters.kafka.records import UnreadableError, commit_of, place
from log_guard.adapters.summaries import SummaryWriter
from log_guard.app.deployment import Deployment
from log_guard.app.times import time_of
from log_guard.core.stream.commits import Commits


def fetch_summaries(deployment: Deployment, out: Path, start: str | None, end: str | None) -> int:
    """Write the summaries of a span of event time, all that are held by default; rows written."""
    since, until = time_of(start, "--from"), time_of(end, "--to")
    options = deployment.detect_options()
    commits = Commits()
    slide = options.window.slide
    with SummaryWriter(out, slide, options.detect.group_by) as writer:
        for messages in read(deployment.cluster("-summaries"), options.summaries):
            for message in messages:
                value, headers = message.value() or b"", message.headers()
                try:
                    commit = commit_of(value, headers, slide, place(message))  # type: ignore[arg-type]  # headers are typed wider than they come
                except UnreadableError:
                    continue  # the detector has kept it as a dead letter
                summary, _ = commits.take(commit, message.offset() or 0)
                if summary is None:
                    continue
                if since is not None:
                    summary = summary.filter(summary["pane"] >= since)
                if until is not None:
                    summary = summary.filter(summary["pane"] < until)
                writer.add(summary)
    return writer.rows
