"""Models and the pipeline on a real broker: learnt from its summaries, taken up while it runs."""

from __future__ import annotations

from log_guard.adapters.kafka.reading import committed, held
from tests.kafka import PARTITIONS, Lines, Pipeline
from tests.streams import Event, line
from tests.unit.test_cold_start import steady


def spread(events: list[Event]) -> Lines:
    """Events over the partitions, in order."""
    lines = [line(event) for event in sorted(events)]
    return [lines[p::PARTITIONS] for p in range(PARTITIONS)]


def summarised(pipeline: Pipeline) -> bool:
    """Whether all log events that there are have been summarised."""
    settings, cluster = pipeline.settings, pipeline.deployment.cluster("-test")
    ends = {p: high for p, (_, high) in held(cluster, settings.topic).items()}
    return committed(cluster, settings.processor_group, settings.topic) == ends


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
