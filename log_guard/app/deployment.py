"""Settings → the parts of the pipeline on Kafka: the one place where they are put together."""

from __future__ import annotations

from pathlib import Path

import structlog
from sqlalchemy import URL

from log_guard.adapters.feedback import read_feedback
from log_guard.adapters.kafka.clients import Cluster
from log_guard.adapters.kafka.topics import TopicSpec, origin, specs
from log_guard.adapters.models import is_registry, load_model
from log_guard.adapters.store import Store
from log_guard.app.inspecting import format_of
from log_guard.app.roles.detect import Detect, DetectRoleOptions
from log_guard.app.roles.guidance import Sources
from log_guard.app.roles.keep import Keep, KeepOptions
from log_guard.app.roles.summarise import Summarise, SummariseOptions
from log_guard.app.roles.write import Write, WriteOptions
from log_guard.app.settings import DEVELOPMENT_PASSWORD, Settings
from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.decoding.formats.json_record import ALIASES
from log_guard.core.detection.options import DetectOptions
from log_guard.core.events import SECOND, UNKNOWN_SERVICE
from log_guard.core.summarising.clock import TimeRules
from log_guard.core.summarising.intake import Intake, IntakeOptions
from log_guard.core.summarising.summaries import Summarizer
from log_guard.core.windows import WindowSpec
from log_guard.errors import OptionError


class Deployment:
    """What the settings mean."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.window = WindowSpec(
            window=_micros(settings.window_seconds),
            slide=_micros(settings.slide_seconds),
            max_lateness=_micros(settings.max_lateness_seconds),
        )

    def cluster(self, suffix: str = "") -> Cluster:
        settings = self.settings
        return Cluster(
            settings.kafka_brokers,
            settings.instance_name + suffix,
            settings.kafka_properties,
            settings.session_timeout_seconds,
        )

    def topics(self, partitions: int | None) -> list[TopicSpec]:
        s = self.settings
        names = (s.topic, s.summary_topic, s.state_topic, s.output_topic, s.dead_letter_topic)
        return specs(*names, partitions)

    def summarise_options(self) -> SummariseOptions:
        s = self.settings
        groups = s.groups
        format_ = format_of(s.input_format)
        if isinstance(format_, JsonLines):
            fields = ALIASES.with_own(
                s.timestamp_field, s.level_field, s.service_field, s.message_field
            )
            format_ = JsonLines(fields=fields, group=() if groups == ("service",) else groups)
        return SummariseOptions(
            decoder=Decoder(format_, s.service or UNKNOWN_SERVICE, s.timezone),
            rules=TimeRules(
                slide=self.window.slide,
                lateness=_micros(s.lateness_seconds),
                max_lateness=self.window.max_lateness,
                max_jump=None,  # an event is held against its record's own time, not its neighbours'
            ),
            summarizer=Summarizer(self.window.slide),
            intake=IntakeOptions(bool(groups), max_future=_micros(s.max_future_seconds)),
            events=s.topic,
            summaries=s.summary_topic,
            dead_letters=s.dead_letter_topic,
            group=s.processor_group,
            idle_after=s.idle_seconds,
            commit_every=s.commit_milliseconds / 1000,
            max_batch=s.max_batch,
            max_skew=s.max_skew_seconds,
            compiled_after=None
            if s.compiled_after_megabytes < 0
            else s.compiled_after_megabytes << 20,
        )

    def new_intake(self, partition: int) -> Intake:
        """An intake with a fresh clock, as the summariser has it."""
        return self.summarise_options().new_intake(partition)

    def summarise(self) -> Summarise:
        return Summarise(self.cluster(), self.summarise_options())

    def detect(self) -> Detect:
        return Detect(self.cluster(), self.detect_options())

    def detect_options(self) -> DetectRoleOptions:
        s = self.settings
        registered = bool(s.model) and is_registry(s.model)
        if s.feedback:
            read_feedback(Path(s.feedback))  # what is wrong with it is said before anything starts
        how = DetectOptions(
            detector=s.detector,
            false_alarms_per_day=s.false_alarms_per_day,
            group_by=s.groups,
        )
        return DetectRoleOptions(
            window=self.window,
            detect=how,
            model=load_model(s.model) if s.model and not registered else None,
            sources=Sources(
                registry=Path(s.model) if registered else None,
                feedback=Path(s.feedback) if s.feedback else None,
            ),
            events=s.topic,
            summaries=s.summary_topic,
            state=s.state_topic,
            results=s.output_topic,
            dead_letters=s.dead_letter_topic,
            group=s.detector_group,
            poll=s.poll_milliseconds / 1000,
            flush_on_exit=s.flush_on_exit,
            run=s.run,
        )

    def writers(self) -> list[Write | Keep]:
        """What writes to the database."""
        return [self.write(), *([self.keep()] if self.settings.db_log_events else [])]

    def keep(self) -> Keep:
        s = self.settings
        options = KeepOptions(
            decoder=self.summarise_options().decoder,
            events=s.topic,
            results=s.output_topic,
            group=s.keeper_group,
            poll=s.poll_milliseconds / 1000,
            max_future=_micros(s.max_future_seconds),
        )
        return Keep(self.cluster(), options, self.store)

    def write(self) -> Write:
        s = self.settings
        options = WriteOptions(
            s.topic,
            s.output_topic,
            s.dead_letter_topic,
            s.writer_group,
            s.db_batch,
            min(s.poll_milliseconds / 1000, s.db_batch_seconds),
        )
        return Write(self.cluster(), options, self.store)

    def store(self, *, upgrade: bool = False) -> Store:
        """Open the database; raises StoreError."""
        return Store(self.database_url(), upgrade=upgrade)

    def own_store(self, cluster: Cluster) -> Store:
        """Open the database to read of this pipeline; OptionError if the rows are another's."""
        store = self.store()
        try:
            store.verify(origin(cluster, self.settings.topic, self.settings.output_topic))
        except BaseException:  # also Ctrl-C: nobody else would close it; raised again
            store.close()
            raise
        return store

    def database_url(self) -> URL | str:
        s = self.settings
        given = s.db_url.get_secret_value()
        if given:
            return given
        # "system": those that the system trusts.
        if s.db_sslrootcert not in ("", "system") and not Path(s.db_sslrootcert).is_file():
            raise OptionError(f"--db-sslrootcert {s.db_sslrootcert}: no such file")
        password = s.password()
        if password == DEVELOPMENT_PASSWORD:
            structlog.get_logger().warning(
                "the database's password is the one for development: set LOGGUARD_DB_PASSWORD"
            )
        return URL.create(
            "postgresql+psycopg",
            s.db_user,
            password,
            s.db_host,
            s.db_port,
            s.db_name,
            {"sslmode": s.db_sslmode}
            | ({"sslrootcert": s.db_sslrootcert} if s.db_sslrootcert else {}),
        )


def _micros(seconds: float) -> int:
    return round(seconds * SECOND)
