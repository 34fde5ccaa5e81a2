"""What the process says of itself: structured, on standard error."""

from __future__ import annotations

import logging
import sys

import structlog


def set_up_logs(level: str, form: str, **bound: str) -> None:
    """Log to standard error: for people on a terminal, as JSON lines elsewhere."""
    for_people = form == "console" or (form == "auto" and sys.stderr.isatty())

    def with_bound(
        _logger: object, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        return {**event, **bound}  # and not by context variables: threads start without them

    shared: list[structlog.typing.Processor] = [
        with_bound,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
    ]
    last: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if for_people
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, last],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
