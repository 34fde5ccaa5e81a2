"""Every store passes all of this: SQLite, plain PostgreSQL, TimescaleDB."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from alembic import command
from psycopg import OperationalError
from sqlalchemy import create_engine, make_url, select, text

from log_guard.adapters.kafka.records import (
    account_record,
    alert_record,
    balance_record,
    dead_letter_record,
    json_of,
    pack,
    result_record,
)
from log_guard.adapters.store import Store, check_database
from log_guard.adapters.store.failures import store_error
from log_guard.adapters.store.schema import ALERTS
from log_guard.adapters.store.upgrading import _config
from log_guard.core.events import SECOND, DeadLetter, Level
from log_guard.core.results import Alert, Result
from log_guard.core.stream.origin import Origin
from log_guard.core.stream.progress import Account, Balance
from log_guard.core.summarising.intake import LINE_BITS
from log_guard.errors import OptionError, StoreError
from tests.integration.test_store import EVIDENCE, START, alert, anomaly, result
from tests.streams import Event, micros, table


@pytest.fixture(params=["SQLite", "PostgreSQL", "TimescaleDB"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "SQLite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    fixture = "plain_url" if request.param == "PostgreSQL" else "database_url"
    return str(request.getfixturevalue(fixture))


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store(url) as one:
        yield one


def of_result(one: Result, run: str = "") -> dict[str, Any]:
    return json_of(result_record(one, "log-events", run)[1])


def of_alert(one: Alert, revision: int) -> dict[str, Any]:
    return json_of(alert_record(one, revision, "log-events", "")[1])


def of_account(first: int, after: int, **changes: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {"consumed": after - first, "summarised": after - first, **changes}
    account = Account(0, first, after, plain.pop("status", "accepted"), first, **plain)
    return json_of(account_record(account, "log-events", "")[1])


def of_letter(offset: int, line: int = 0, raw: bytes = b"\xff\x00 not text") -> dict[str, Any]:
    position = int(pack(np.array([offset]), line)[0])
    return json_of(
        dead_letter_record(DeadLetter("no\x00 timestamp", position, 2, raw), "log-events")[1]
    )


def verdicts(store: Store, *span: int | None) -> list[tuple[Any, ...]]:
    return sorted(tuple(row.values()) for row in store.verdicts("", *span))


def test_the_schema_is_what_this_version_needs_and_a_second_upgrade_changes_nothing(
    url: str,
) -> None:
    assert "run `logguard db upgrade`" in check_database(url)[0]
    with Store(url) as store:
        store.apply([of_result(result())])
    with Store(url) as store:
        assert check_database(url) == []
        assert store.count_results() == 1


@pytest.mark.parametrize("url", ["PostgreSQL", "TimescaleDB"], indirect=True)
def test_processes_that_upgrade_at_once_wait_for_one_another(url: str) -> None:
    upgrade = [sys.executable, "-m", "log_guard.cli", "db", "upgrade", "--db-url", url]
    running = [
        subprocess.Popen(upgrade, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(3)
    ]
    said = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], said
    assert check_database(url) == []


def test_what_hands_have_changed_is_named_with_the_repair(url: str) -> None:
    Store(url).close()
    changes = ["ALTER TABLE alerts DROP COLUMN course", "DROP INDEX idx_log_events_service_time"]
    expected = [
        "column course of table alerts is missing",
        "index idx_log_events_service_time of table log_events is missing",
    ]
    if url.startswith("postgresql"):
        changes += [
            "ALTER TABLE anomaly_results ALTER COLUMN evidence TYPE text",
            "ALTER TABLE alerts ALTER COLUMN services DROP NOT NULL",
        ]
        expected += [
            "column evidence of table anomaly_results is of type TEXT, not JSONB",
            "column services of table alerts may be null",
        ]
    engine = create_engine(url)
    with engine.begin() as connection:
        for change in changes:
            connection.execute(text(change))
    engine.dispose()
    Store(url).close()
    *found, repair = check_database(url)
    assert sorted(found) == sorted(expected)
    assert "`logguard db upgrade` does not undo it" in repair


def test_a_database_without_tables_is_refused_with_the_repair(url: str) -> None:
    with pytest.raises(StoreError):
        Store(url, upgrade=False)


def test_records_are_found_again(store: Store) -> None:
    store.apply(
        [
            of_result(anomaly(1)),
            of_result(result(2, "b\x00d \U0001f525")),
            of_alert(alert(), 7),
            of_account(0, 10),
            of_letter(3, 4),
            json_of(balance_record(Balance(9, 10, 8, 1, 1, START), "")[1]),
        ]
    )
    first, second = verdicts(store)
    assert first[:5] == (anomaly(1).window_start, "api", 1, True, True)
    assert second[1] == "b\ufffdd \U0001f525"
    assert store.result(anomaly(1).window_start, "api") is not None
    (account,) = store.accounts("log-events")
    assert (account["first_offset"], account["next_offset"], account["consumed"]) == (0, 10, 10)
    balance = store.balance()
    assert balance is not None
    assert (balance["taken"], balance["watermark"]) == (10, START)
    assert store.count_dead_letters("log-events") == 1
    assert store.dead_letters()[0].raw == b"\xff\x00 not text"
    assert store.alerts()[0].services == alert().services
    assert store.anomalies()[0].evidence == EVIDENCE


def test_the_table_does_not_depend_on_the_order_or_on_repetition(store: Store) -> None:
    """Revisions of a few windows and of an alert, in any order, cut anywhere, some of them again."""
    records = [
        of_result(
            result(window, revision=revision, final=final, anomaly_score=revision + final / 2)
        )
        for window in range(3)
        for revision in range(4)
        for final in (False, True)
    ]
    records += [of_alert(alert(windows=revision), revision) for revision in range(4)]
    chance = random.Random(1)
    expected = [(START + window * 5 * SECOND, "api", 3, True, False, 3.5) for window in range(3)]
    for _ in range(8):
        chance.shuffle(records)
        cut = chance.randrange(len(records))
        store.apply(records[:cut])
        store.apply(records[cut - 2 :])
    assert [row[:6] for row in verdicts(store)] == expected
    assert [one.windows for one in store.alerts()] == [3]


def test_an_old_revision_changes_nothing(store: Store) -> None:
    store.apply([of_result(anomaly(revision=7))])
    before = verdicts(store)
    store.apply([of_result(result(revision=6)), of_result(result(revision=7, final=False))])
    assert verdicts(store) == before


def test_a_record_that_no_table_takes_leaves_nothing_half_written(store: Store) -> None:
    bad = {**of_result(result(2)), "log_count": "many"}
    assert store.refuses(bad) is not None
    assert store.refuses(of_result(result(2))) is None
    with pytest.raises(StoreError, match="cannot be stored"):
        store.apply([of_result(result(1)), bad])
    assert store.count_results() == 0


def test_runs_are_kept_apart(store: Store) -> None:
    store.apply([of_result(result()), of_result(anomaly(revision=9), run="again")])
    assert [row["revision"] for row in store.verdicts("again")] == [9]
    assert [row["revision"] for row in store.verdicts()] == [1]


def test_rows_come_in_order_of_time_and_of_a_span_only(store: Store) -> None:
    store.apply([of_result(result(window, service)) for window in (5, 1, 3) for service in "ba"])
    starts = [row["window_start"] for row in store.verdicts()]
    assert starts == sorted(starts)
    span = START + 5 * SECOND, START + 20 * SECOND
    assert {row[0] for row in verdicts(store, *span)} == {START + w * 5 * SECOND for w in (1, 3)}
    assert store.span_of_results("", *span) == (4, (START + 5 * SECOND, START + 15 * SECOND))
    assert store.span_of_results("nobody") == (0, None)


def test_accounts_come_in_order_of_their_offsets(store: Store) -> None:
    store.apply([of_account(n, n + 10) for n in (20, 0, 10)])
    assert [a["first_offset"] for a in store.accounts("log-events")] == [0, 10, 20]
    assert list(store.accounts("other")) == []


def test_what_is_old_is_rolled_up_and_dropped(store: Store, url: str) -> None:
    now = datetime.fromtimestamp(START / SECOND, UTC) + timedelta(days=32)
    recent = int((now.timestamp() - 3_600) * SECOND)
    store.apply(
        [of_result(anomaly(window, anomaly_score=0.5 + window / 10)) for window in range(3)]
        + [of_result(result(window_start=recent, window_end=recent + 30 * SECOND))]
    )
    store.maintain(now)
    store.maintain(now)
    assert [row["window_start"] for row in store.verdicts()] == [recent]
    engine = create_engine(url)
    query = "SELECT windows, anomalies, peak_score FROM anomaly_results_hourly ORDER BY hour"
    with engine.connect() as connection:
        hours = [tuple(row) for row in connection.execute(text(query))]
    engine.dispose()
    assert hours == [(3, 3, pytest.approx(0.7)), (1, 0, pytest.approx(0.3))]


def test_log_events_are_kept_once_and_for_seven_days(store: Store) -> None:
    old = [Event(0, "api", Level.ERROR, "disk 🔥 full"), Event(1, "db")]
    new = [Event(8 * 86_400, "api")]
    for events, first in ((old, 5 << LINE_BITS), (old, 5 << LINE_BITS), (new, 9 << LINE_BITS)):
        store.keep("log-events", 2, table(events, first))
    kept = store.log_events("log-events")
    assert [(row["offset"], row["line"], row["level"]) for row in kept] == [
        (5, 0, "ERROR"),
        (5, 1, "INFO"),
        (9, 0, "INFO"),
    ]
    assert (kept[0]["time"], kept[0]["message"]) == (micros(0), "disk 🔥 full")
    store.maintain(datetime.fromtimestamp(micros(9 * 86_400) / SECOND, UTC))
    assert [row["offset"] for row in store.log_events("log-events")] == [9]
    assert store.log_events("other") == []


def test_what_nothing_else_prunes_is_merged_or_deleted_when_it_is_old(store: Store) -> None:
    now = datetime.now(UTC)
    old = {"written": round((now - timedelta(days=31)).timestamp() * SECOND)}

    def letter(offset: int, topic: str = "log-events", **changes: Any) -> dict[str, Any]:
        return {**of_letter(offset), "topic": topic, "partition": 0, **changes}

    alerts = [{**of_alert(alert(id=n), 1), **changes} for n, changes in ((1, old), (2, {}))]
    aged = [
        *(of_account(n, n + 10) for n in range(0, 50, 10)),
        # The account of the last one is not old.
        *(letter(offset) for offset in (3, 44, 55)),
        *(letter(offset, "anomaly-results") for offset in (1, 2)),
    ]
    store.apply(
        [{**record, **old} for record in aged]
        + [json_of(balance_record(Balance(90, 0, 0, 0, 0, None), "")[1])]
    )
    store.apply([of_account(n, n + 10) for n in (50, 60)])
    store.apply([letter(4), letter(3, "anomaly-results")])  # read again, and published again
    for one in alerts:
        store.apply([one])
    said = store.maintain(now)
    assert said[-3:] == [
        "merged 4 accounts older than 30 days with their neighbours",
        "deleted 4 dead letters older than 30 days",
        "deleted 1 alerts older than 30 days",
    ]
    spans = [(a["first_offset"], a["next_offset"]) for a in store.accounts("log-events")]
    assert spans == [(0, 50), (50, 60), (60, 70)]
    assert sum(a["consumed"] for a in store.accounts("log-events")) == 70
    assert [row["offset"] for row in store.dead_letter_places("log-events")] == [4, 55]
    assert [row["offset"] for row in store.dead_letter_places("anomaly-results")] == [3]
    assert [one.id for one in store.alerts()] == [2]
    assert [line.split()[1] for line in store.maintain(now)[-3:]] == ["0", "0", "0"]


def test_many_are_deleted_a_batch_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("log_guard.adapters.store.maintaining.BATCH", 2)
    monkeypatch.setattr("log_guard.adapters.store.maintaining.PAUSE", 0)
    store.apply([{**of_letter(n), "written": START} for n in range(5)])
    assert "deleted 5 dead letters older than 30 days" in store.maintain(datetime.now(UTC))
    assert store.dead_letters() == []


OURS = Origin("cluster-a", "log-events", "id-1", "anomaly-results", "id-2")


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (OURS, None),
        (replace(OURS, topic_id="", results_id=""), None),
        (replace(OURS, cluster="cluster-b"), "of Kafka cluster cluster-a, and this is cluster-b"),
        (replace(OURS, topic="orders"), "of log-events and anomaly-results, .* orders and"),
        (replace(OURS, results="others"), "of log-events and anomaly-results, .* and others"),
        (replace(OURS, topic_id="id-3"), "of an earlier topic log-events, which was made anew"),
        (replace(OURS, results_id="id-3"), "of an earlier topic anomaly-results"),
    ],
)
def test_rows_are_of_the_pipeline_that_came_first(
    url: str, other: Origin, said: str | None
) -> None:
    with Store(url) as store:
        store.verify(other)  # as long as nobody has written, they are of any
        store.claim(OURS)
        store.claim(OURS)
        for ask in (store.verify, store.claim):
            if said is None:
                ask(other)
            else:
                with pytest.raises(OptionError, match=f"holds rows {said}.*--db-name"):
                    ask(other)
        store.verify(OURS)


def test_rows_of_an_older_schema_are_kept(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        command.upgrade(_config(connection), "0001")
        connection.execute(
            text(
                "INSERT INTO dead_letters (source, position, reason, raw) VALUES (1, 2, 'why', :raw)"
            ),
            {"raw": b"raw"},
        )
        columns = ", ".join(f'"{name}"' for name in ("id", "state", "start", "end", "opened"))
        connection.execute(
            text(
                f"INSERT INTO alerts ({columns}, services, service, peak_score, windows, evidence) VALUES "
                "(4, 'opened', '2026-01-01', '2026-01-01', '2026-01-01', '[\"api\"]', 'api', 1, 1, '{}')"
            )
        )
    with Store(url) as store:
        assert [letter.reason for letter in store.dead_letters()] == ["why"]
    with engine.connect() as connection:
        assert connection.execute(text("SELECT id, revision FROM alerts")).one() == (4, 0)
        # Its age is not known: it counts from here.
        (written,) = connection.execute(select(ALERTS.c.written)).one()
        assert abs(written - datetime.now(UTC).timestamp() * SECOND) < 60 * SECOND
    engine.dispose()


def test_on_timescaledb_results_are_a_hypertable_and_what_the_licence_forbids_is_named(
    database_url: str,
) -> None:
    with Store(database_url) as store:
        notes = store.notes
        store.apply([of_result(result(window)) for window in (0, 20_000)])
        engine = create_engine(database_url)
        with engine.connect() as connection:
            found = connection.execute(
                text(
                    "SELECT time_interval, num_chunks FROM timescaledb_information.dimensions d "
                    "JOIN timescaledb_information.hypertables h USING (hypertable_name) "
                    "WHERE hypertable_name = 'anomaly_results'"
                )
            ).one()
            licence = connection.execute(text("SHOW timescaledb.license")).scalar()
        engine.dispose()
    assert tuple(found) == (timedelta(days=1), 2)
    features = ["retention of 30 days", "compression after 7 days", "hourly continuous aggregate"]
    assert notes == (features if licence == "apache" else [])


def test_a_plain_postgresql_says_why_there_is_no_hypertable(plain_url: str) -> None:
    with Store(plain_url) as store:
        assert all(note.startswith("TimescaleDB (") for note in store.notes)
        store.apply([of_result(result())])
        assert store.count_results() == 1


@pytest.mark.parametrize(
    ("changes", "repair"),
    [
        ({"database": "nowhere"}, "check its name, or create it"),
        ({"username": "nobody_of_this_name"}, "check the user's name"),
        ({"query": {"sslmode": "perhaps"}}, "disable, allow, prefer"),
        ({"port": 1}, "is it running"),
    ],
)
def test_a_refusal_to_connect_names_its_own_repair(
    plain_url: str, changes: dict[str, Any], repair: str
) -> None:
    with pytest.raises(StoreError) as caught:
        Store(make_url(plain_url).set(**changes))
    assert repair in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_server_that_is_recovering_is_not_said_to_be_absent() -> None:
    said = (
        'connection to server at "db", port 5432 failed: FATAL:  the database system is starting up'
    )
    assert "stopping or starting: try again" in str(store_error("x", OperationalError(said)))


def test_a_file_without_tables_is_to_be_upgraded(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"has no LogGuard tables .run `logguard db upgrade`"):
        Store(f"sqlite:///{tmp_path / 'empty.db'}", upgrade=False)
