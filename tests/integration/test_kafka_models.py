"""Models and the pipeline on a real broker: learnt from its summaries, taken up while it runs."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

from log_guard.adapters.feedback import read_feedback
from log_guard.adapters.kafka.reading import committed, held, read
from log_guard.adapters.kafka.records import commit_of, json_of
from log_guard.adapters.models import Registry
from log_guard.core.events import SECOND
from log_guard.core.iso import iso
from log_guard.core.stream.fold import Fold
from log_guard.errors import StreamError
from tests.kafka import PARTITIONS, Lines, Pipeline
from tests.streams import START, Event, fold_in, line
from tests.unit.test_cold_start import steady
from tests.unit.test_gate import burst


def spread(events: list[Event]) -> Lines:
    """Events over the partitions, in order."""
    lines = [line(event) for event in sorted(events)]
    return [lines[p::PARTITIONS] for p in range(PARTITIONS)]


def summarised(pipeline: Pipeline) -> bool:
    """Whether all log events that there are have been summarised."""
    settings, cluster = pipeline.settings, pipeline.deployment.cluster("-test")
    ends = {p: high for p, (_, high) in held(cluster, settings.topic).items()}
    try:
        return committed(cluster, settings.processor_group, settings.topic) == ends
    except StreamError:
        return False  # a broker that has just started does not know its groups yet


def test_the_summaries_of_the_topic_teach_the_same_model_as_the_log(pipeline: Pipeline) -> None:
    events = steady(1_200)
    log = pipeline.directory / "app.log"
    log.write_bytes(b"\n".join(line(e) for e in sorted(events)) + b"\n")
    pipeline.start("summarise", "summarise", idle_seconds=1.0)
    pipeline.produce(spread(events))
    pipeline.wait("the summaries", lambda: summarised(pipeline))
    pipeline.stop()
    kept = pipeline.directory / "kept"
    done = pipeline.run("summaries", "fetch", "--out", str(kept))
    assert done.returncode == 0, done.stderr
    files = []
    for source in (log, kept):
        out = pipeline.directory / f"model-{source.name}"
        done = pipeline.run("train", str(source), "--out", str(out))
        assert done.returncode == 0, done.stderr
        files.append({path.name: path.read_bytes() for path in out.iterdir()})
    assert files[0] == files[1]


def learn(pipeline: Pipeline, seconds: int) -> str:
    """Put a model of so many seconds of the usual into the registry, and promote it; its name."""
    log = pipeline.directory / f"history-{seconds}.log"
    log.write_bytes(b"\n".join(line(e) for e in sorted(steady(seconds))) + b"\n")
    registry = pipeline.directory / "models"
    done = pipeline.run("train", str(log), "--registry", str(registry), "--force")
    assert done.returncode == 0, done.stderr
    return Registry(registry).current or ""


def published(pipeline: Pipeline) -> Iterator[dict[str, Any]]:
    """All results that were ever published, in order."""
    cluster = pipeline.deployment.cluster("-test")
    for messages in read(cluster, pipeline.settings.output_topic):
        for message in messages:
            body = json_of(message.value())
            if body["kind"] == "result":
                yield body


def judged_to(pipeline: Pipeline, seconds: int) -> bool:
    end = iso(START + seconds * SECOND)
    return any(body["window_end"] >= end for body in published(pipeline))


def test_a_promoted_model_and_feedback_are_taken_up_while_it_runs(pipeline: Pipeline) -> None:
    names = [learn(pipeline, 900)]
    feedback = pipeline.directory / "feedback.toml"
    feedback.write_text("")
    told = {"model": str(pipeline.directory / "models"), "feedback": str(feedback)}
    pipeline.start("summarise", "summarise")
    pipeline.start("detect", "detect", **told)
    events = steady(1_800) + burst(1_300, "cache rebuilt") + burst(1_650, "cache dropped")

    def produce(start: int, end: int) -> None:
        pipeline.produce(spread([e for e in events if start <= e.time < end]))
        pipeline.wait("results", lambda: judged_to(pipeline, end - 60))

    produce(900, 1_200)
    names.append(learn(pipeline, 1_000))
    pipeline.wait("the second model", lambda: names[1] in pipeline.log("detect"))
    produce(1_200, 1_500)
    # Killed, told of another model and of feedback while it is away, and started again.
    pipeline.signal("detect", signal.SIGKILL)
    del pipeline.processes["detect"]
    names.append(learn(pipeline, 1_100))
    said = ("--reason", "known", "--author", "me", "--feedback", str(feedback))
    assert pipeline.run("suppress", "--matches", "^cache ", *said).returncode == 0
    pipeline.start("detect", "detect", **told)
    pipeline.wait("the third model", lambda: names[2] in pipeline.log("detect"))
    produce(1_500, 1_800)
    assert pipeline.stop() == {"summarise": 0, "detect": 0}

    rows = list(published(pipeline))
    versions = [name.split("-")[1] for name in names]
    by_window: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        if row["final"]:
            key = row["window_end"], row["service"]
            by_window.setdefault(key, set()).add(row["model_version"])
    # Each window has one model, whatever was killed; each model its own stretch of time.
    assert {len(found) for found in by_window.values()} == {1}
    stretches = [{end for (end, _), (v,) in by_window.items() if v == one} for one in versions]
    assert all(stretches)
    assert max(stretches[0]) < min(stretches[1])
    assert max(stretches[1]) < min(stretches[2])
    # The alarm of the first burst was given; the second is covered by what was said meanwhile.
    alarms = {row["window_end"] for row in rows if row["is_anomaly"]}
    assert any(iso(START + 1_300 * SECOND) < end < iso(START + 1_360 * SECOND) for end in alarms)
    assert not any(end > iso(START + 1_640 * SECOND) for end in alarms)
    assert latest(rows) == latest(refolded(pipeline, rows, names))


def latest(rows: list[dict[str, Any]]) -> dict[tuple[str, str], tuple[Any, ...]]:
    """The last word on each window."""
    names = ("model_version", "is_anomaly", "anomaly_score", "log_count", "revision")
    return {(row["window_end"], row["service"]): tuple(row[name] for name in names) for row in rows}


def refolded(
    pipeline: Pipeline, rows: list[dict[str, Any]], names: list[str]
) -> list[dict[str, Any]]:
    """The summaries folded in one go, told of each model where the first results by it came out."""
    registry = Registry(pipeline.directory / "models")
    first = {
        name: min(r["revision"] for r in rows if r["model_version"] == name.split("-")[1])
        for name in names
    }
    deployment = pipeline.deployment
    fold, out = Fold(deployment.window), []
    for messages in read(deployment.cluster("-test"), pipeline.settings.summary_topic):
        for message in messages:
            offset = message.offset() or 0
            for name in names:
                if first[name] <= offset and name not in (fold.model_name, *_before(names, fold)):
                    fold.switch(registry.load(name), name)
                    if name == names[-1]:
                        fold.detect.heed(read_feedback(pipeline.directory / "feedback.toml"))
            commit = commit_of(message.value() or b"", message.headers(), deployment.window.slide)  # type: ignore[arg-type]  # the client types them wider
            out += [result.as_dict() for result in fold_in(fold, commit, offset).results]
    return out


def _before(names: list[str], fold: Fold) -> list[str]:
    """Models that the fold has left behind."""
    return names[: names.index(fold.model_name)] if fold.model_name in names else []
