"""What people have said is fine alarms no more, and nothing else is hidden by it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from log_guard.adapters.feedback import add_entry, read_feedback
from log_guard.app.pipeline import Pipeline, PipelineOptions
from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.detection.options import DetectOptions
from log_guard.core.events import SECOND, Level, RawBatch
from log_guard.core.feedback.feedback import Feedback, Label
from log_guard.core.feedback.suppression import Suppression
from log_guard.core.masking import mask_one
from log_guard.core.results import Alert
from log_guard.errors import InputError
from tests.streams import START, Event, line
from tests.unit.test_cold_start import steady

LEARNT = 1_200
FINE = Suppression("harmless", "me", template="cache <num> rebuilt")
BURST = [Event(1_300 + i / 4, "db", Level.ERROR, f"cache {i} rebuilt") for i in range(80)]
OTHER = [Event(1_305 + i / 4, "db", Level.ERROR, f"disk {i} lost") for i in range(40)]


def alerts(
    events: list[Event], *entries: Suppression, labels: tuple[Label, ...] = ()
) -> list[Alert]:
    """Alerts opened after the first twenty minutes, which are learnt from."""
    options = DetectOptions(train_until=START + LEARNT * SECOND, feedback=Feedback(entries, labels))
    pipeline = Pipeline(Decoder(JsonLines()), PipelineOptions(detect=options))
    out = pipeline.feed(RawBatch(b"\n".join(line(e) for e in sorted(events)), 1))
    end = pipeline.finish()
    assert pipeline.ledger.balanced
    return [a for a in out.alerts + end.alerts if a.state == "opened"]


def test_a_suppressed_burst_opens_no_alert() -> None:
    events = steady(1_500) + BURST
    assert [a.services[0] for a in alerts(events)] == ["db"]
    assert not alerts(events, FINE)
    assert not alerts(events, Suppression("r", "me", matches="^cache .* rebuilt$", service="db"))


def test_what_else_happens_in_the_window_is_still_found() -> None:
    found = alerts(steady(1_500) + BURST + OTHER, FINE)
    assert "disk <num> lost" in found[0].evidence.sentence


@pytest.mark.parametrize(
    "entry",
    [
        Suppression("expired", "me", template=FINE.template, until=START + (1_200) * SECOND),
        Suppression("elsewhere", "me", template=FINE.template, service="api"),
        Suppression("other level", "me", template=FINE.template, level=Level.WARN),
        Suppression("other text", "me", template="cache rebuilt"),
    ],
    ids=lambda entry: entry.reason,
)
def test_a_suppression_holds_only_where_it_says(entry: Suppression) -> None:
    assert alerts(steady(1_500) + BURST, entry)


def test_an_incident_that_was_labelled_is_not_learnt_as_normal() -> None:
    before = [
        Event(t + i / 10, "db", Level.ERROR, f"disk {i} lost")
        for t in range(100, 1_100, 130)
        for i in range(100)
    ]
    real = tuple(
        Label(START + (t - 1) * SECOND, START + (t + 12) * SECOND, True, "outage", "me")
        for t in range(100, 1_100, 130)
    )
    again = [Event(1_300 + i / 10, "db", Level.ERROR, f"disk {i} lost") for i in range(100)]
    events = steady(1_500) + before + again
    assert not alerts(events)
    assert alerts(events, labels=real)


def test_a_history_that_is_one_incident_teaches_nothing_and_says_so() -> None:
    all_of_it = Label(START, START + 2_000 * SECOND, True, "outage", "me")
    with pytest.raises(InputError, match="labelled real"):
        alerts(steady(1_500), labels=(all_of_it,))


def test_the_file_keeps_what_people_wrote(tmp_path: Path) -> None:
    file = tmp_path / "feedback.toml"
    file.write_text("# reviewed every Monday\n", encoding="utf-8")
    times = {"created": _time("2026-01-01"), "expires": _time("2026-02-01")}
    entry = {"template": "a <num>", "service": "db", "reason": "fine", "author": "me", **times}
    add_entry(file, "suppression", entry)
    add_entry(file, "suppression", {**entry, "template": "", "matches": "^b"})
    add_entry(
        file,
        "label",
        {
            "verdict": "noise",
            "start": _time("2026-01-01"),
            "end": _time("2026-01-02"),
            "reason": "a test",
            "author": "me",
        },
    )
    assert file.read_text(encoding="utf-8").startswith("# reviewed every Monday\n")
    found = read_feedback(file)
    assert [(s.template, s.matches, s.service) for s in found.suppressions] == [
        ("a <num>", "", "db"),
        ("", "^b", "db"),
    ]
    assert [e.real for e in found.labels] == [False]


WHOLE = (
    "[[suppression]]\ntemplate='t'\nreason='r'\nauthor='a'\n"
    "created=2026-01-01\nexpires=2026-02-01\n"
)
LABEL = "[[label]]\nverdict='real'\nstart=2026-01-01\nend=2026-01-02\nreason='r'\nauthor='a'\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[[suppression]]\nreason='r'\nauthor='a'\n",
            r"feedback.toml: \[\[suppression\]\] 1, created: is missing",
        ),
        ("[[suppression]\n", "feedback.toml: not TOML"),
        ("garbage = [", r"feedback.toml: not TOML \(.*at end of document"),
        (
            "[[suppression]]\nmatches='x?'\nreason='r'\nauthor='a'\ncreated=2026-01-01\nexpires=2026-01-01\n",
            r"\[\[suppression\]\] 1, matches: fits every message",
        ),
        ("[[supression]]\n", r"\[\[supression\]\]: is no kind of entry: there are \[\[suppression"),
        (
            WHOLE + WHOLE.replace("template", "tmplate"),
            r"\]\] 2, tmplate: is no key of it; there are tem",
        ),
        (
            WHOLE.replace("2026-02-01", "'soon'"),
            r"1, expires: is no time: write one as 2026-01-31T12",
        ),
        (WHOLE.replace("'r'", "''"), r"1, reason: must not be empty$"),
        (WHOLE.replace("'r'", "3"), r"1, reason: must be a text in quotes$"),
        (
            WHOLE.replace("template='t'", ""),
            r"\[\[suppression\]\] 1: give either template or matches$",
        ),
        (WHOLE.replace("[[suppression]]", "[suppression]"), "with two brackets on each side"),
        ("suppression=[3]", "with two brackets on each side"),
        (LABEL.replace("real", "maybe"), r"\[\[label\]\] 1, verdict: write real or noise$"),
        (LABEL.replace("2026-01-02", "2025-01-02"), "1: end must be later than start"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_the_place(
    tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "feedback.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        read_feedback(file)


def test_what_is_added_to_a_wrong_file_is_refused_with_its_name(tmp_path: Path) -> None:
    file = tmp_path / "feedback.toml"
    for text in (b"[[supression]]\n", b"\xff"):
        file.write_bytes(text)
        with pytest.raises(InputError, match=r"feedback\.toml: "):
            add_entry(file, "label", {"verdict": "real"})
        assert file.read_bytes() == text


def _time(day: str) -> object:
    from datetime import UTC, datetime

    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def test_a_secret_is_not_written_down(tmp_path: Path) -> None:
    path = tmp_path / "feedback.toml"
    told = {"reason": "hunter2 is old:\npassword=hunter2" + "!" * 600, "author": "me"}
    now = datetime.now(UTC)
    dates = {"created": now, "expires": now}
    entry = {"template": "login with password=hunter2", **told, **dates}
    assert add_entry(path, "suppression", entry) == ["template", "reason"]
    (kept,) = read_feedback(path).suppressions
    assert kept.template == "login with password=<secret>"
    assert kept.reason.startswith("hunter2 is old:\npassword=<secret>")
    assert mask_one("login with password=hunter2") == kept.template
    with pytest.raises(InputError, match="write <secret> in its place"):
        add_entry(path, "suppression", {"matches": "^password=hunter2$", **told, **dates})


@pytest.mark.parametrize(
    "message",
    [
        "password=hunter2",
        "token 8f7a6b5c4d3e2f1a",
        "session: abc123",
        "key=42",
        "Authorization: Basic dXNlcjpw",
    ],
)
def test_a_template_as_an_alert_shows_it_is_written_as_it_is(tmp_path: Path, message: str) -> None:
    now = datetime.now(UTC)
    entry = {
        "template": mask_one(message),
        "reason": "r",
        "author": "me",
        "created": now,
        "expires": now,
    }
    assert add_entry(tmp_path / "feedback.toml", "suppression", entry) == []
