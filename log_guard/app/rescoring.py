"""A past span scored again, from the summaries that are kept, beside the live results."""

from __future__ import annotations

from log_guard.adapters.kafka.reading import read
from log_guard.adapters.kafka.records import commit_of, result_record
from log_guard.adapters.kafka.transactions import Transactions
from log_guard.app.deployment import Deployment
from log_guard.app.roles.guidance import Guidance
from log_guard.app.times import time_of
from log_guard.errors import OptionError

COMMIT_RESULTS = 5_000


def rescore(deployment: Deployment, start: str | None, end: str | None) -> int:
    """Fold all summaries that are held with the settings of now; how many results were published.

    Published are the windows that start in ``[start, end)``, under the name of the run. What lies
    before the span is folded as well, since it is what a detector learns from.
    """
    settings, cluster = deployment.settings, deployment.cluster("-rescore")
    since, until = time_of(start, "--from"), time_of(end, "--to")
    if not settings.run:
        raise OptionError("--from and --to need --run NAME, to keep apart from the live results")
    detect = deployment.detect_options()
    fold = detect.fold()
    Guidance(detect.sources, detect.window).apply(fold)
    transactions = Transactions(cluster.producer("rescore"))
    reader = cluster.reader()  # whose group holds no offsets: none are committed
    published = waiting = 0
    transactions.begin()
    for messages in read(cluster, detect.summaries):
        for message in messages:
            offset = message.offset() or 0
            commit = commit_of(message.value() or b"", message.headers(), detect.window.slide)  # type: ignore[arg-type]
            for result in fold.take(commit, offset).results:
                at = result.window_start
                if (since is not None and at < since) or (until is not None and at >= until):
                    continue
                key, value = result_record(result, detect.events, settings.run)
                transactions.produce(detect.results, value, key=key)
                published += 1
                waiting += 1
        if waiting >= COMMIT_RESULTS:
            transactions.commit(reader, [])
            transactions.begin()
            waiting = 0
    transactions.commit(reader, [])
    reader.close()
    return published
