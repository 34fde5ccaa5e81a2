"""Events of log4j as XML are of several lines."""

from __future__ import annotations

from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats import recognise
from log_guard.core.events import Level, RawBatch

EVENT = """<Event xmlns="http://logging.apache.org/log4j/2.0/events" thread="main" level="ERROR" loggerName="a.B">
  <Instant epochSecond="1767225600" nanoOfSecond="118000000"/>
  <Message>lost it</Message>
  <Thrown commonElementCount="0" name="a.NoException">
    <ExtendedStackTrace>
      <ExtendedStackTraceItem class="a.B" method="c" file="B.java" line="7"/>
    </ExtendedStackTrace>
  </Thrown>
</Event>"""

OLD = """<log4j:event logger="a.B" timestamp="1767225600118" level="ERROR" thread="main">
<log4j:message><![CDATA[lost it]]></log4j:message>
<log4j:throwable><![CDATA[a.NoException: no
\tat a.B.c(B.java:7)
]]></log4j:throwable>
</log4j:event>"""


def test_events_of_several_lines_are_read() -> None:
    for event, below in ((EVENT, "Caused by: a.NoException"), (OLD, "a.NoException: no\n\tat a.B")):
        text = "\n".join([event, "", event, ""])
        found = recognise(text.splitlines())
        assert found is not None
        decoded = Decoder(found).decode(RawBatch(text.encode(), 1, multiline=True))
        assert decoded.dead == []
        assert decoded.events["time"].to_list() == [1_767_225_600_118_000] * 2
        assert decoded.events["level"].to_list() == [Level.ERROR] * 2
        assert decoded.events["position"].to_list() == [1, 2 + event.count("\n") + 1]
        for message in decoded.events["message"]:
            assert message.startswith(f"lost it\n{below}")
