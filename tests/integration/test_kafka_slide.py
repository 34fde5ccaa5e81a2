"""Summaries of another slide: finer ones are added up, beside coarser ones none are written."""

from __future__ import annotations

from log_guard.adapters.kafka.reading import newest
from tests.integration.test_kafka_pipeline import prepared
from tests.kafka import Pipeline, truth


def test_finer_summaries_are_pooled_and_coarser_ones_refused(pipeline: Pipeline) -> None:
    lines, until = prepared()
    pipeline.changes["slide_seconds"] = 30.0
    pipeline.produce(lines)
    pipeline.start("by mistake", "summarise", slide_seconds=5.0)
    there = pipeline.deployment.cluster("-test"), pipeline.settings.summary_topic
    pipeline.wait("a commit", lambda: newest(*there) is not None)
    pipeline.stop()
    for role in ("summarise", "detect", "write"):
        pipeline.start(role, role, idle_seconds=1.0)
    pipeline.wait("the table", lambda: pipeline.written_to(until))
    pipeline.stop()
    table, expected = pipeline.table(until), truth(pipeline, lines, until)
    assert table.keys() == expected.keys()
    assert {k: row["log_count"] for k, row in table.items()} == {
        k: row["log_count"] for k, row in expected.items()
    }
    again = pipeline.start("again", "summarise", slide_seconds=5.0)
    assert again.wait(60) == 2
    assert "use --slide-seconds 30, or other topics" in pipeline.log("again")
