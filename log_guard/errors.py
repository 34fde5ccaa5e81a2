"""The one error tree of LogGuard.

::

    LogGuardError            a failure that has a repair; its text is one line for a person
    ├── InputError           the logs cannot be read as asked (no such file, no format, no timestamps)
    ├── OptionError          an option or a setting makes no sense (exit code 2)
    ├── ModelError           a model directory is missing, damaged or of another feature set
    ├── DetectorError        a detector of the user's own fails, or gives no scores that can be used
    ├── StateError           a detector's stored state is damaged or of another version
    ├── StreamError          Kafka cannot take or give what was asked
    └── StoreError           the database cannot take or give what was asked

Bad *events* are no errors: they become dead letters (:class:`log_guard.core.events.DeadLetter`) and
the stream goes on. An error of this tree ends a command; anything else that escapes is a bug.
"""

from __future__ import annotations


class LogGuardError(Exception):
    """Base of all errors that LogGuard raises on purpose; ``str()`` is one line naming the repair."""


class InputError(LogGuardError):
    """The logs cannot be read as asked."""


class OptionError(LogGuardError):
    """An option or a setting makes no sense."""


class ModelError(LogGuardError):
    """A model directory is missing, damaged, or was made for other features."""


class DetectorError(LogGuardError):
    """A detector of the user's own fails, or gives no scores that can be used."""


class StateError(LogGuardError):
    """A detector's stored state is damaged, or was written by a version that kept other things."""


class StreamError(LogGuardError):
    """Kafka cannot take or give what was asked."""


class StoreError(LogGuardError):
    """The database cannot take or give what was asked."""
