"""How timestamps are written: regular expressions, also for formats that must find where one ends."""

from __future__ import annotations

import re

_DATE = r"(?P<year>[0-9]{4})(?P<sep>[-/.])(?P<month>[0-9]{2})[-/.](?P<day>[0-9]{2})"
_CLOCK = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_FRACTION = r"(?:(?P<mark>[.,])(?P<fraction>[0-9]{1,9}))?"
_OFFSET = r"[+-][0-9]{2}(?::?[0-9]{2})?"
_MONTH = r"(?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_WEEKDAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"

_ISO = (
    rf"{_DATE}(?P<gap>[Tt]| {{1,2}}){_CLOCK}{_FRACTION}"
    rf"(?P<zone>[Zz]|{_OFFSET}| (?:Z|UTC|GMT|[+-][0-9]{{2}}:?[0-9]{{2}}))?"
)
_CLF = rf"(?P<day>[0-9]{{2}})/{_MONTH}/(?P<year>[0-9]{{4}}):{_CLOCK}(?P<zone> {_OFFSET})?"
_BSD = rf"{_MONTH} (?P<day>[ 0-9]?[0-9]) (?:(?P<year>[0-9]{{4}}) )?{_CLOCK}{_FRACTION}"
_CTIME = rf"{_WEEKDAY} {_MONTH} (?P<day>[ 0-9]?[0-9]) {_CLOCK}{_FRACTION} (?P<year>[0-9]{{4}})"
_MAIL = (
    rf"(?:{_WEEKDAY}, )?(?P<day>[0-9]{{1,2}})[ -]{_MONTH}[ -](?P<year>[0-9]{{4}}) {_CLOCK}{_FRACTION}"
    rf"(?P<zone> (?:UTC|GMT|{_OFFSET}))?"
)
_DOTTED = rf"(?P<day>[0-9]{{2}})\.(?P<month>[0-9]{{2}})\.(?P<year>[0-9]{{4}}),? {_CLOCK}{_FRACTION}"
_JUL = (  # newer Javas put a narrow no-break space before AM
    rf"{_MONTH} (?P<day>[0-9]{{1,2}}), (?P<year>[0-9]{{4}}),? (?P<hour>[0-9]{{1,2}})"
    ":(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?: |\u202f)(?P<half>[AP]M)"
)
_KLOG = (  # glog writes the year too, CockroachDB two digits of it
    rf"(?P<year>(?:20)?[0-9]{{2}})?(?P<month>[01][0-9])(?P<day>[0-3][0-9]) {_CLOCK}{_FRACTION}"
)
_SHORT = (  # as Spark and Hadoop write them: the year first
    rf"(?P<year>[0-9]{{2}})/(?P<month>[01][0-9])/(?P<day>[0-3][0-9]) {_CLOCK}{_FRACTION}"
)
CALENDAR = tuple(
    re.compile(pattern)
    for pattern in (_ISO, _CLF, _BSD, _CTIME, _MAIL, _DOTTED, _KLOG, _JUL, _SHORT)
)
EPOCH = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,30})?(?:[eE]\+?[0-9]{1,2})?")
MONTHS = {name: 1 + i for i, name in enumerate(_MONTH[len("(?P<month>") : -1].split("|"))}


def _groupless(pattern: str) -> str:
    return re.sub(r"\(\?P<\w+>", "(?:", pattern)


ISO = _groupless(_ISO)
"""Regular expression, without groups, of ``2026-01-01T12:00:00.123Z`` and its kin. This and the
following are for formats that have to find where a timestamp ends (Rust and Python syntax)."""

CLF = _groupless(_CLF)
"""Of the common log format's ``23/Nov/2026:23:36:28 +0000``."""

BSD = _groupless(_BSD)
"""Of RFC 3164's ``Nov  3 23:36:28``; some devices put a year before the time of day."""

CTIME = _groupless(_CTIME)
"""Of Apache's error log: ``Mon Nov 23 23:36:28.123456 2026``."""

MAIL = _groupless(_MAIL)
"""Of RFC 2822's ``23 Nov 2026 23:36:28``, which Redis writes too, with a fraction; Tomcat and PHP with hyphens."""

DOTTED = _groupless(_DOTTED)
"""Of ``23.11.2026 23:36:28``; a date with slashes and the year at its end has two meanings."""

JUL = _groupless(_JUL)
"""Of java.util.logging's ``Nov 23, 2026 11:36:28 PM``."""

KLOG = _groupless(_KLOG)
"""Of Kubernetes' own ``1123 23:36:28.123456``, which names no year, and glog's ``20261123``."""

SHORT = _groupless(_SHORT)
"""Of ``26/11/23 23:36:28``, the year first."""
