"""The log: JSON lines for machines, short lines for a terminal, never the values of local variables."""

from __future__ import annotations

import logging
import sys

import structlog


def set_up(level: int = logging.INFO) -> None:
    """Send the log to standard error."""
    shared = (
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
    )
    last: tuple[structlog.typing.Processor, ...]
    if sys.stderr.isatty():
        # The default formatter would print local variables, and a secret may be one of them.
        last = (structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),)
    else:
        last = (structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False))
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Whatever standard error is at that moment: it may have been replaced since.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
