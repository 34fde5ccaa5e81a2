"""The store against real SQLite files: what is written is found, once, whatever happens."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event

from log_guard.adapters.store import Store
from log_guard.core.events import SECOND, DeadLetter
from log_guard.core.features import FEATURES, TEXT_FEATURES, VOLUME_FEATURES
from log_guard.core.ledger import Ledger
from log_guard.core.results import Alert, Bound, Evidence, Part, Result, Sample
from log_guard.errors import OptionError, StoreError

START = 1_700_000_000 * SECOND
EVIDENCE = Evidence(
    sentence="a template never seen before — « disque plein »",
    parts=(
        Part("new", "ERROR", "disk <num> failed", 20, 0.1, 0, 1, 12.345678901234567, 0.75),
        Part("surging", "WARN", "slow", 450, 3.5, 0, 9, 4.5, 0.25, messages=5, volumes=("WARN",)),
    ),
    samples=(Sample("ERROR", "disk 7 failed\u2028", 0, 1234),),
    normal_if=(Bound("ERROR", None, "<=", 14),),
    nearest_normal={"log_count": 0.1 + 0.2},
)
LETTER = DeadLetter("no timestamp", 7, 0, b"\xff\x00 not text")


def result(window: int = 0, service: str = "api", **changes: Any) -> Result:
    rng = np.random.default_rng(window)
    plain = Result(
        window_start=START + window * 5 * SECOND,
        window_end=START + (window * 5 + 30) * SECOND,
        service=service,
        revision=1,
        final=True,
        is_anomaly=False,
        anomaly_score=0.1 + 0.2,
        features=rng.random(len(FEATURES)) * 100,
        model_version="0123456789ab",
    )
    return replace(plain, **changes)


def anomaly(window: int = 0, **changes: Any) -> Result:
    return replace(result(window), **{"is_anomaly": True, "evidence": EVIDENCE, **changes})


def alert(**changes: Any) -> Alert:
    opened = Alert(
        id=1,
        state="opened",
        start=START,
        end=START + 30 * SECOND,
        services=("api", "billing"),
        peak_score=0.9,
        windows=1,
        evidence=EVIDENCE,
        service="api",
        opened=START + 30 * SECOND + 1,
    )
    return replace(opened, **changes)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@contextmanager
def looking_into(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection of another program's."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        yield connection


def dump(path: Path) -> list[tuple[Any, ...]]:
    with looking_into(path) as connection:
        rows = connection.execute("SELECT * FROM anomaly_results ORDER BY 1, 2, 3").fetchall()
        return [tuple(row) for row in rows]


def as_dicts(results: list[Result]) -> list[dict[str, Any]]:
    return [one.as_dict() for one in results]


# --- what goes in comes out


def test_anomalies_come_back_as_they_were_newest_first(path: Path) -> None:
    late = anomaly(3, warming="7/20", model_version=None, final=False)
    with Store(str(path)) as store:
        store.write([anomaly(1), result(2), late])
        assert as_dicts(store.anomalies()) == as_dicts([late, anomaly(1)])
        assert as_dicts(store.anomalies(limit=1)) == as_dicts([late])
        assert store.count_results() == 3
        assert store.anomalies()[1].evidence == EVIDENCE


def test_what_was_written_outlives_the_store(path: Path) -> None:
    with Store(f"sqlite:///{path}") as store:
        store.write([anomaly()], [alert()], [LETTER], Ledger(5, 4, 0, 1, 0))
    with Store(str(path)) as store:
        assert as_dicts(store.anomalies()) == as_dicts([anomaly()])
        assert store.alerts() == [alert()]
        assert store.dead_letters() == [LETTER]
        assert store.ledger() == Ledger(5, 4, 0, 1, 0)


def test_an_empty_store_is_empty(path: Path) -> None:
    with Store(str(path)) as store:
        store.write()
        assert (store.anomalies(), store.alerts(), store.dead_letters()) == ([], [], [])
        assert (store.ledger(), store.count_results()) == (Ledger(), 0)


def test_others_can_read_the_tables(path: Path) -> None:
    with Store(str(path)) as store:
        store.write([anomaly()])
        with looking_into(path) as other:
            assert other.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
            row = other.execute(
                """SELECT *, text_features ->> '$.message_rarity' AS rarity,
                   evidence ->> '$.parts[0].template' AS template FROM anomaly_results"""
            ).fetchone()
            names = {r["name"] for r in other.execute("SELECT name FROM sqlite_master")}
    features = dict(zip(FEATURES, anomaly().features.tolist(), strict=True))
    assert row["window_start"] == "2023-11-14 22:13:20.000000"
    assert {name: row[name] for name in VOLUME_FEATURES} == {
        name: features[name] for name in VOLUME_FEATURES
    }
    assert row["rarity"] == features["message_rarity"]
    assert row["template"] == "disk <num> failed"
    assert len(TEXT_FEATURES) == row["text_features"].count(":")
    assert ", " not in row["text_features"]
    assert {"idx_anomaly_results_is_anomaly", "idx_anomaly_results_window_start"} <= names


# --- again, and in another order


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_final_table_does_not_depend_on_the_order(tmp_path: Path, data: st.DataObject) -> None:
    """Results of a few windows at several revisions, some again, cut into batches anywhere."""
    number = st.integers(0, 3)
    versions = data.draw(
        st.lists(st.tuples(number, number, st.booleans()), min_size=1, max_size=12)
    )

    def made(window: int, revision: int, final: bool) -> Result:
        # One content for one (revision, final), as whoever repeats a result repeats all of it.
        return result(window, revision=revision, final=final, anomaly_score=revision + final / 2)

    def table(
        name: str, order: list[tuple[int, int, bool]], cuts: list[int]
    ) -> list[tuple[Any, ...]]:
        file = tmp_path / name
        file.unlink(missing_ok=True)
        with Store(str(file)) as store:
            for begin, end in zip([0, *cuts], [*cuts, len(order)], strict=True):
                store.write([made(*version) for version in order[begin:end]])
        return dump(file)

    shuffled = data.draw(st.permutations(versions + versions[: data.draw(number)]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(shuffled)), max_size=3)))
    best = sorted(
        {window: max(v for v in versions if v[0] == window) for window, *_ in versions}.values()
    )
    assert table("a.db", best, []) == table("b.db", shuffled, cuts)


def test_an_old_revision_changes_nothing(path: Path) -> None:
    with Store(str(path)) as store:
        store.write([anomaly(revision=7)])
        before = dump(path)
        store.write([result(revision=6), result(revision=7, final=False)])
        assert dump(path) == before
        store.write([result(revision=8, final=False)])
        assert store.anomalies() == []
        assert store.count_results() == 1


def test_services_and_windows_are_kept_apart(path: Path) -> None:
    with Store(str(path)) as store:
        store.write(
            [result(0), result(0, "web"), result(1), result(0, window_end=START + 60 * SECOND)]
        )
        assert store.count_results() == 4


def test_an_alert_is_updated_in_place(path: Path) -> None:
    resolved = alert(state="resolved", end=START + 90 * SECOND, windows=9, services=("web", "api"))
    with Store(str(path)) as store:
        store.write([], [alert(), alert(id=2)])
        store.write([], [resolved])
        assert store.alerts() == [resolved, alert(id=2)]


def test_writing_a_batch_again_changes_nothing(path: Path) -> None:
    batch = ([anomaly(1), result(2)], [alert()], [LETTER], Ledger(3, 2, 0, 1, 0))
    with Store(str(path)) as store:
        store.write(*batch)
        before = dump(path)
        store.write(*batch)
        assert dump(path) == before
        assert (store.alerts(), store.dead_letters()) == ([alert()], [LETTER])
        assert store.ledger() == Ledger(3, 2, 0, 1, 0)


def test_accounts_replace_their_own_and_add_up(path: Path) -> None:
    with Store(str(path)) as store:
        store.write(ledger=Ledger(5, 5, 0, 0, 0), account="a.log")
        store.write(ledger=Ledger(9, 6, 1, 1, 1), account="a.log")
        store.write(ledger=Ledger(1, 0, 1, 0, 0), account="b.log")
        assert store.ledger() == Ledger(10, 6, 2, 1, 1)


# --- when it cannot be


def test_numbers_that_are_not_finite_are_refused_with_all_of_their_batch(path: Path) -> None:
    features = np.zeros(len(FEATURES))
    features[20] = np.nan
    part = replace(EVIDENCE.parts[0], bits=float("inf"))
    evidence = replace(EVIDENCE, parts=(part,))
    with Store(str(path)) as store:
        for bad in (
            result(features=features),
            result(anomaly_score=float("nan")),
            anomaly(evidence=evidence),
        ):
            with pytest.raises(StoreError, match=r"the result of api at 2023-\S+ holds a number"):
                store.write([result(1), bad], [alert()])
        with pytest.raises(StoreError, match="alert 1 holds a number"):
            store.write([result(1)], [alert(peak_score=float("inf"))])
        assert (store.count_results(), store.alerts()) == (0, [])


def test_a_missing_directory(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no such directory .*\(make it"):
        Store(str(tmp_path / "nowhere" / "store.db"))


def test_a_directory_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened: check"):
        Store(str(tmp_path))


def test_a_file_that_is_no_database_stays_as_it_is(path: Path) -> None:
    path.write_text("2026-01-01 12:00:00 INFO a line of a log that somebody mistook\n" * 100)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="is no SQLite database: name another file") as caught:
        Store(str(path))
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


def test_a_damaged_database(path: Path) -> None:
    with Store(str(path)) as store:
        store.write([anomaly(window) for window in range(200)])
    data = bytearray(path.read_bytes())
    data[4096:] = b"\x5a" * len(data[4096:])
    path.write_bytes(data)
    with pytest.raises(StoreError, match="is damaged: restore it"), Store(str(path)) as store:
        store.anomalies()


def test_tables_of_another_program(path: Path) -> None:
    with looking_into(path) as other:
        other.execute("CREATE TABLE alerts (id INTEGER PRIMARY KEY, text TEXT)")
    with pytest.raises(StoreError, match="name another file"):
        Store(str(path))


def test_a_locked_database(path: Path) -> None:
    with Store(str(path), wait_seconds=0.01) as store, looking_into(path) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="in use by another program"):
            store.write([result()])
        assert store.count_results() == 0, "reading goes on"
        other.rollback()
        store.write([result()])
        assert store.count_results() == 1


def test_a_full_disk_leaves_nothing_half_written(path: Path) -> None:
    def limit(connection: Any, _: object) -> None:
        connection.execute("PRAGMA max_page_count = 40").close()

    with Store(str(path)) as store:
        store.write([result()])
    event.listen(Engine, "connect", limit)
    try:
        with Store(str(path)) as store:
            many = [anomaly(window) for window in range(1000)]
            with pytest.raises(StoreError, match="its disk is full"):
                store.write(many, [alert()])
            assert (store.count_results(), store.alerts()) == (1, [])
            store.write([result(1)])
            assert store.count_results() == 2
    finally:
        event.remove(Engine, "connect", limit)


@pytest.mark.parametrize("url", ["mysql://host/db", "://", "nonsense://x"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(OptionError, match="sqlite:///PATH"):
        Store(url)


def test_odd_names_are_just_names(tmp_path: Path) -> None:
    with Store(str(tmp_path / "a b?c%20#é.db")) as store:
        store.write([result()])
    assert (tmp_path / "a b?c%20#é.db").exists()


def test_closing_leaves_one_file(path: Path) -> None:
    store = Store(str(path))
    store.write([result()])
    store.close()
    store.close()
    assert list(path.parent.iterdir()) == [path]


def test_sqlalchemy_is_imported_when_a_store_is_opened() -> None:
    script = (
        "import sys; from log_guard.adapters.store import Store; "
        "sys.exit('sqlalchemy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
