"""The simulator: the same bytes every time, honest labels, traffic like that of real services."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from log_guard.app.simulate import ALL_KINDS, Simulation, SimulationSpec, labels, simulate
from log_guard.app.simulate.incident_texts import ACTIVITIES, DEPENDANTS, ESCALATIONS, SUBJECTS
from log_guard.app.simulate.incidents import KINDS, Scene
from log_guard.app.simulate.load import NOISE_MEMORY, OWN_NOISE, SHARED_NOISE, NormalTraffic
from log_guard.app.simulate.schedule import GAP_S, plan
from log_guard.app.simulate.services import BY_NAME, SERVICES
from log_guard.app.simulate.templates import Renderer
from log_guard.errors import OptionError

HOUR = SimulationSpec(rate=30.0)
"""An hour, thinner than the default to keep the tests quick."""


def lines(simulation: Simulation) -> list[bytes]:
    return b"".join(simulation.batches()).splitlines()


def events(simulation: Simulation) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines(simulation)]


def moment(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["timestamp"])


@pytest.fixture(scope="module")
def hour() -> Simulation:
    return simulate(HOUR)


@pytest.fixture(scope="module")
def hour_lines(hour: Simulation) -> list[bytes]:
    return lines(hour)


@pytest.fixture(scope="module")
def hour_events(hour_lines: list[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in hour_lines]


@pytest.fixture(scope="module")
def quiet_lines() -> list[bytes]:
    """The same hour without incidents."""
    return lines(simulate(SimulationSpec(rate=HOUR.rate, kinds=())))


class TestSameBytes:
    def test_same_seed(self, hour_lines: list[bytes]) -> None:
        assert lines(simulate(HOUR)) == hour_lines

    def test_batches_can_be_asked_for_again(
        self, hour: Simulation, hour_lines: list[bytes]
    ) -> None:
        assert lines(hour) == hour_lines

    def test_another_seed_is_another_stream(self) -> None:
        one, other = (simulate(SimulationSpec(seed=seed, duration_s=60)) for seed in (1, 2))
        assert not set(lines(one)) & set(lines(other))

    @given(seconds=st.floats(0.05, 1000))
    @settings(max_examples=20, deadline=None)
    def test_whatever_the_length_of_batches(self, seconds: float) -> None:
        simulation = simulate(SimulationSpec(rate=5, duration_s=300, incidents_from_s=30))
        batches = list(simulation.batches(seconds))
        assert b"".join(batches) == b"".join(simulation.batches())
        assert len(batches) == math.ceil(300 / seconds)

    def test_nothing_of_the_core_is_imported(self) -> None:
        check = (
            "import sys, log_guard.app.simulate;"
            "sys.exit(any(name.startswith('log_guard.core') for name in sys.modules))"
        )
        assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


class TestLines:
    def test_fields(self, hour_events: list[dict[str, Any]]) -> None:
        everywhere = {"timestamp", "level", "service", "host", "message"}
        for event in hour_events:
            assert set(event) - {"trace_id"} == everywhere
            assert re.fullmatch(r"\d{4}(-\d\d){2}T\d\d(:\d\d){2}\.\d{3}Z", event["timestamp"])
            assert event["host"] in BY_NAME[event["service"]].hosts
            assert event["level"] in {"DEBUG", "INFO", "WARN", "ERROR", "FATAL"}

    def test_every_text_renders_as_json(self) -> None:
        templates = {t for s in SERVICES for t in (*s.mix, *s.rare, *s.job, s.health)}
        for seed in range(100):
            for planned in plan(HOUR, np.random.default_rng(seed)):
                templates |= {template for template, _ in planned.added}
        numbers = np.arange(len(templates))
        hosts = {service.name: service.hosts for service in SERVICES}
        renderer = Renderer(list(templates), hosts, 0, np.random.default_rng(0))
        messages = [json.loads(line)["message"] for line in renderer.lines(numbers, numbers)]
        assert len(messages) > 500
        assert not [message for message in messages if "{" in message or "%s" in message]

    def test_length(self, hour_lines: list[bytes]) -> None:
        assert 170 < np.mean([len(line) for line in hour_lines]) < 200

    def test_neighbours_share_traces(self, hour_events: list[dict[str, Any]]) -> None:
        sizes = Counter(event["trace_id"] for event in hour_events if "trace_id" in event)
        assert 2 < np.mean(list(sizes.values())) < 6

    def test_nearly_in_order_of_time(self, hour_events: list[dict[str, Any]]) -> None:
        times = [moment(event).timestamp() for event in hour_events]
        behind = np.maximum.accumulate(times) - times
        assert 0 < behind.max() <= 1.001
        assert 0.05 < (behind > 0).mean() < 0.9

    def test_a_batch_holds_what_arrives_in_its_time(self, hour: Simulation) -> None:
        batches = list(hour.batches(30))
        assert len(batches) == 120
        for number, batch in enumerate(batches):
            seconds = [
                (moment(json.loads(line)) - HOUR.start).total_seconds()
                for line in batch.splitlines()
            ]
            assert seconds
            assert number * 30 - 1 <= min(seconds)
            assert max(seconds) < (number + 1) * 30

    def test_a_start_in_another_zone_is_written_in_utc(self) -> None:
        start = datetime(2026, 3, 1, 1, tzinfo=timezone(timedelta(hours=2)))
        simulation = simulate(SimulationSpec(duration_s=10, start=start))
        assert moment(events(simulation)[0]).date() == datetime(2026, 2, 28, tzinfo=UTC).date()
        assert labels(simulation)["start"] == "2026-02-28T23:00:00.000Z"


class TestNormalTraffic:
    @pytest.mark.parametrize("seed", range(5))
    @pytest.mark.parametrize("rate", [3.0, 100.0])
    def test_rate(self, seed: int, rate: float) -> None:
        duration = 3600
        traffic = NormalTraffic(rate, duration, np.random.default_rng(seed))
        count = len(traffic.between(0, duration).times)
        memory = (1 + NOISE_MEMORY) / (1 - NOISE_MEMORY)  # seconds in which noise is alike
        noise = math.hypot(SHARED_NOISE, OWN_NOISE) * math.sqrt(memory / duration)
        expected = rate * duration
        assert abs(count - expected) < 4 * math.hypot(math.sqrt(expected), noise * expected)

    def test_services_have_their_shares(self, quiet_lines: list[bytes]) -> None:
        counts = Counter(json.loads(line)["service"] for line in quiet_lines)
        for service in SERVICES:
            share = counts[service.name] / len(quiet_lines)
            assert share == pytest.approx(service.share, rel=0.1, abs=0.01)

    def test_mostly_calm_yet_never_without_errors(self, quiet_lines: list[bytes]) -> None:
        quiet = [json.loads(line) for line in quiet_lines]
        levels = Counter(event["level"] for event in quiet)
        assert levels["INFO"] / len(quiet) > 0.75
        assert 0.005 < levels["ERROR"] / len(quiet) < 0.03
        assert levels["FATAL"] == 0
        for service in SERVICES:
            assert any(e["service"] == service.name and e["level"] == "ERROR" for e in quiet)

    def test_counts_vary_a_little_more_than_poisson(self) -> None:
        traffic = NormalTraffic(100, 3600, np.random.default_rng(0))
        times = traffic.between(0, 3600).times
        counts = np.histogram(times, bins=120)[0]
        assert 1 < counts.var() / counts.mean() < 150  # a 30 s window: sd below a quarter
        assert counts.std() / counts.mean() < 0.2

    def test_a_health_check_every_ten_seconds(self, quiet_lines: list[bytes]) -> None:
        checks = [
            moment(event).timestamp()
            for event in map(json.loads, quiet_lines)
            if event["message"].startswith("Heartbeat: acquirer link up")
        ]
        assert len(checks) == 360
        assert all(abs(gap - 10) < 0.2 for gap in np.diff(checks))

    def test_rare_texts_come_minutes_apart(self, quiet_lines: list[bytes]) -> None:
        count = sum(b"Fraud rules reloaded" in line for line in quiet_lines)
        assert 3 <= count <= 6

    @pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
    def test_vocabulary(self, service: Any) -> None:
        assert 12 <= len(service.mix) <= 25
        assert len({template.text for template in service.mix}) == len(service.mix)
        assert len(service.known("ERROR")) >= 2
        assert 2 <= len(service.rare) <= 4


class TestIncidents:
    def test_they_only_add_and_remove_lines(
        self, hour: Simulation, hour_lines: list[bytes], quiet_lines: list[bytes]
    ) -> None:
        added = Counter(hour_lines) - Counter(quiet_lines)
        removed = Counter(quiet_lines) - Counter(hour_lines)
        assert added.total() == sum(i.injected_events for i in hour.incidents)
        silences = [i for i in hour.incidents if i.kind == "service_silent"]
        for event in map(json.loads, removed):
            assert any(
                event["service"] in i.services and i.start <= moment(event) < i.end
                for i in silences
            )

    def test_what_they_add_lies_in_their_span(
        self, hour: Simulation, hour_lines: list[bytes], quiet_lines: list[bytes]
    ) -> None:
        added = [json.loads(line) for line in Counter(hour_lines) - Counter(quiet_lines)]
        for incident in hour.incidents:
            inside = [e for e in added if incident.start <= moment(e) <= incident.end]
            assert len(inside) == incident.injected_events
            if inside:
                times = [moment(event) for event in inside]
                assert (min(times), max(times)) == (incident.start, incident.end)
                assert {event["service"] for event in inside} == set(incident.services)

    @pytest.mark.parametrize("seed", range(6))
    def test_silence_is_silent(self, seed: int) -> None:
        spec = SimulationSpec(seed=seed, duration_s=900, kinds=("service_silent",))
        simulation = simulate(spec)
        assert simulation.incidents
        stream = events(simulation)
        for incident in simulation.incidents:
            (service,) = incident.services
            times = [moment(event) for event in stream if event["service"] == service]
            assert not [time for time in times if incident.start <= time < incident.end]
            assert any(time < incident.start for time in times)
            assert 90 <= (incident.end - incident.start).total_seconds() <= 180
            assert incident.injected_events == 0

    @pytest.mark.parametrize("seed", range(20))
    def test_schedule_of_an_hour(self, seed: int) -> None:
        spec = SimulationSpec(seed=seed)
        incidents = simulate(spec).incidents
        assert {incident.kind for incident in incidents} == set(ALL_KINDS)
        assert 8 <= len(incidents) <= 12
        assert incidents[0].start >= spec.start + timedelta(seconds=1200)
        assert incidents[-1].end <= spec.start + timedelta(seconds=3600)
        for before, after in pairwise(incidents):
            assert (after.start - before.end).total_seconds() >= GAP_S - 0.001
        share = sum(i.injected_events for i in incidents if i.kind != "count_doubling")
        assert share / 360_000 == pytest.approx(0.005, rel=0.03)

    @given(
        seed=st.integers(0, 2**64),
        rate=st.floats(0.05, 2000),
        duration=st.floats(0.5, 20_000),
        share=st.floats(0, 0.5),
        quiet=st.none() | st.floats(0, 20_000),
        kinds=st.lists(st.sampled_from(ALL_KINDS), unique=True),
        count=st.none() | st.integers(0, 40),
    )
    @settings(max_examples=60, deadline=None)
    def test_any_schedule(
        self,
        seed: int,
        rate: float,
        duration: float,
        share: float,
        quiet: float | None,
        kinds: list[str],
        count: int | None,
    ) -> None:
        spec = SimulationSpec(
            seed=seed,
            rate=rate,
            duration_s=duration,
            anomaly_share=share,
            incidents_from_s=quiet,
            kinds=tuple(kinds),
            incident_count=count,
        )
        incidents = simulate(spec).incidents
        earliest = spec.moment(int(spec.quiet_s * 1000))
        for before, after in pairwise(incidents):
            assert (after.start - before.end).total_seconds() >= GAP_S - 0.001
        for incident in incidents:
            assert earliest <= incident.start < incident.end
            assert incident.end <= spec.moment(int(duration * 1000))
            assert (incident.end - incident.start).total_seconds() <= 180
            assert incident.kind in kinds
            assert set(incident.services) <= set(BY_NAME)
            assert incident.injected_events > 0 or incident.kind == "service_silent"
        if count is not None:
            assert len(incidents) <= count

    def test_none_before_the_given_time(self) -> None:
        spec = SimulationSpec(duration_s=3600, incidents_from_s=3000)
        incidents = simulate(spec).incidents
        assert incidents
        assert incidents[0].start >= spec.start + timedelta(seconds=3000)

    def test_kinds_can_be_chosen(self) -> None:
        incidents = simulate(SimulationSpec(kinds=("cascade", "new_pattern"))).incidents
        assert {incident.kind for incident in incidents} == {"cascade", "new_pattern"}

    @pytest.mark.parametrize("kind", ["new_pattern", "new_info_pattern"])
    def test_what_is_new_is_new(self, kind: str) -> None:
        normal = {t.text for s in SERVICES for t in (*s.mix, *s.rare, *s.job, s.health)}
        spec = SimulationSpec(duration_s=24 * 3600, kinds=(kind,), incident_count=50)
        texts = [
            template.text
            for planned in plan(spec, np.random.default_rng(3))
            for template, _ in planned.added
        ]
        assert len(texts) == len(set(texts)) == 50
        assert not normal & set(texts)

    def test_seeds_differ_in_what_happens(self) -> None:
        def story(seed: int) -> tuple[tuple[str, tuple[str, ...]], ...]:
            return tuple(
                (i.kind, i.services) for i in simulate(SimulationSpec(seed=seed)).incidents
            )

        assert len({story(seed) for seed in range(20)}) == 20

    def test_more_share_is_more_lines(self) -> None:
        def injected(share: float) -> int:
            spec = SimulationSpec(anomaly_share=share, kinds=("error_burst",))
            return sum(i.injected_events for i in simulate(spec).incidents)

        assert injected(0.02) == pytest.approx(4 * injected(0.005), rel=0.05)


class TestKinds:
    """Each kind does what its docstring says, whatever the chance."""

    @pytest.fixture(params=range(15))
    def scene(self, request: pytest.FixtureRequest) -> Scene:
        return Scene(np.random.default_rng(request.param), seconds=60, lines=200, rate=100)

    @pytest.mark.parametrize("kind", [kind for kind in ALL_KINDS if KINDS[kind].weight])
    def test_it_adds_the_lines_it_is_given(self, kind: str, scene: Scene) -> None:
        script = KINDS[kind].write(scene)
        assert sum(len(burst.at) for burst in script.bursts) == pytest.approx(200, abs=2)
        assert {burst.template.service for burst in script.bursts} == set(script.services)
        for burst in script.bursts:
            assert ((burst.at >= 0) & (burst.at <= 60)).all()

    def test_error_burst_is_of_a_known_text(self, scene: Scene) -> None:
        (burst,) = KINDS["error_burst"].write(scene).bursts
        assert burst.template in BY_NAME[burst.template.service].known("ERROR")

    def test_new_info_pattern_is_info_only(self, scene: Scene) -> None:
        bursts = KINDS["new_info_pattern"].write(scene).bursts
        assert {burst.template.level for burst in bursts} == {"INFO"}

    def test_cascade_begins_at_its_origin(self, scene: Scene) -> None:
        script = KINDS["cascade"].write(scene)
        origin, *callers = script.services
        assert 2 <= len(callers) <= 4
        assert set(callers) <= set(DEPENDANTS[origin])
        first = {b.template.service: b.at.min() for b in reversed(script.bursts) if len(b.at)}
        assert min(first, key=lambda service: first[service]) == origin

    def test_breach_comes_from_one_address(self, scene: Scene) -> None:
        bursts = KINDS["security_breach"].write(scene).bursts
        assert not any("{ip}" in burst.template.text for burst in bursts)
        addresses = {
            found for b in bursts for found in re.findall(r"\b\d+\.\d+\.\d+\.\d+", b.template.text)
        }
        assert len(addresses) == 1
        guesses = [b.at.max() for b in bursts if "password" in b.template.text]
        (entry,) = [b.at.max() for b in bursts if b.template.text.startswith("Sign-in accepted")]
        assert len(guesses) == 2
        assert max(guesses) <= entry

    def test_exhaustion_gets_worse(self, scene: Scene) -> None:
        bursts = KINDS["resource_exhaustion"].write(scene).bursts
        levels = [burst.template.level for burst in bursts]
        assert levels == ["WARN", "WARN", "WARN", "ERROR", "FATAL"]
        assert all(a.at.mean() < b.at.mean() for a, b in pairwise(bursts))

    def test_doubling_is_of_the_normal_mix(self, scene: Scene) -> None:
        script = KINDS["count_doubling"].write(scene)
        service = BY_NAME[script.services[0]]
        assert {burst.template for burst in script.bursts} <= set(service.mix)
        normal = service.share * 100 * 60
        assert 1 <= sum(len(burst.at) for burst in script.bursts) / normal <= 2.01

    def test_every_service_has_texts_for_its_bad_days(self) -> None:
        assert set(ACTIVITIES) == set(SUBJECTS) == set(BY_NAME)
        assert {service for service, _, _ in ESCALATIONS} <= set(BY_NAME)
        for origin, callers in DEPENDANTS.items():
            assert origin not in callers
            assert {origin, *callers} <= set(BY_NAME)


class TestStreaming:
    def test_lines_are_made_when_asked_for(self) -> None:
        year = SimulationSpec(duration_s=365 * 86400.0, kinds=())
        batches = simulate(year).batches()
        assert isinstance(batches, Iterator)
        assert all(len(list(islice(batches, 1))) == 1 for _ in range(3))

    def test_memory_does_not_grow(self) -> None:
        def peak(seconds: float) -> int:
            simulation = simulate(SimulationSpec(rate=1000, duration_s=seconds, kinds=()))
            tracemalloc.reset_peak()
            for _ in simulation.batches(1):
                pass
            return tracemalloc.get_traced_memory()[1]

        tracemalloc.start()
        try:
            peak(1)  # what is made once and kept
            assert peak(80) < 1.3 * peak(20)
        finally:
            tracemalloc.stop()

    def test_a_thin_stream_has_empty_batches(self) -> None:
        spec = SimulationSpec(rate=0.2, duration_s=300, kinds=())
        batches = list(simulate(spec).batches(1))
        assert len(batches) == 300
        assert b"" in batches
        assert b"".join(batches).count(b"\n") > 20

    def test_a_part_of_a_second(self) -> None:
        spec = SimulationSpec(duration_s=2.5)
        simulation = simulate(spec)
        end = spec.start + timedelta(seconds=2.5)
        assert all(spec.start <= moment(event) < end for event in events(simulation))


class TestLabels:
    def test_layout(self, hour: Simulation) -> None:
        truth = labels(hour)
        assert list(truth) == ["name", "start", "test_start", "end", "incidents", "ignore"]
        assert truth["name"] == "simulated-42"
        assert truth["start"] == "2026-01-01T00:00:00.000Z"
        assert truth["test_start"] == "2026-01-01T00:20:00.000Z"
        assert truth["end"] == "2026-01-01T01:00:00.000Z"
        assert truth["ignore"] == []
        assert json.loads(json.dumps(truth)) == truth

    def test_incidents(self, hour: Simulation) -> None:
        for label, incident in zip(labels(hour)["incidents"], hour.incidents, strict=True):
            assert list(label) == ["id", "start", "end", "kinds", "services"]
            assert datetime.fromisoformat(label["start"]) == incident.start
            assert datetime.fromisoformat(label["end"]) == incident.end
            assert label["kinds"] == [incident.kind]
            assert label["services"] == list(incident.services)
        assert len({incident.id for incident in hour.incidents}) == len(hour.incidents)


@pytest.mark.parametrize(
    "bad",
    [
        {"seed": -1},
        {"rate": 0.0},
        {"rate": math.nan},
        {"duration_s": -1.0},
        {"duration_s": math.inf},
        {"start": datetime(2026, 1, 1)},  # noqa: DTZ001
        {"anomaly_share": 0.6},
        {"incidents_from_s": -1.0},
        {"incident_count": -1},
        {"kinds": ("meteorite",)},
    ],
)
def test_settings_that_make_no_sense(bad: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        SimulationSpec(**bad)


def test_batches_need_a_length() -> None:
    with pytest.raises(OptionError):
        simulate(SimulationSpec(duration_s=10)).batches(0)
