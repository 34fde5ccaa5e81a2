"""The settings of the commands on Kafka: one name everywhere.

``window_seconds`` is ``--window-seconds`` on the command line, ``LOGGUARD_WINDOW_SECONDS`` in the
environment and ``window_seconds`` in the TOML file; the first of these that says something wins.
"""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from log_guard.app.settings_checks import CHECKS, check
from log_guard.errors import OptionError

PREFIX = "LOGGUARD_"
DEVELOPMENT_PASSWORD = "logguard123"
_SECRET = re.compile(
    r"password|secret|token|jaas|\.key$|\.pem$|credential|oauthbearer\.config", re.IGNORECASE
)
_DATABASE = re.compile(
    r"(?P<before>(?:[a-z0-9+]+://)?[^\s:/@?#]*)(?P<password>:[^\s:/@?#]*(?=@))?"
    r"(?P<after>(?:@[\w.-]*|@\[[0-9a-fA-F:]+\])?(?::[0-9]*)?(?:/[^\s:@?#]*)?)(?:\?(?P<options>[^\s?#@]*))?"
)
"""A URL, or a path, of which it is plain where the password ends: a ``/`` or ``@`` in one has to be written ``%2F``, ``%40``."""
_TOLD = ("sslmode", "sslrootcert", "host", "port", "connect_timeout", "application_name")
"""Options of such a URL whose values are shown."""

_YEAR = 366 * 86_400
_GROUP: dict[str, Any] = {"min_length": 1}


def _of(section: str, default: Any, description: str, **rules: Any) -> Any:
    if isinstance(default, float):
        # What is longer than a year, or no number, is a slip: it would end in an overflow much later.
        rules = {"allow_inf_nan": False, **({"le": _YEAR} if section == "Windows" else {}), **rules}
    return Field(default, description=description, json_schema_extra={"section": section}, **rules)


class Settings(BaseSettings):
    """Effective values, frozen. Each field's ``section`` groups it in the help."""

    # Defaults will do: to check them would load what most commands have no use for.
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", validate_default=False
    )

    kafka_brokers: str = _of("Kafka", "localhost:9092", "Kafka's brokers, HOST:PORT, by commas.")
    kafka_properties: dict[str, str] = _of(
        "Kafka",
        {},
        "Any librdkafka setting, as NAME=VALUE (SASL, TLS, ...). Repeatable. By environment: "
        "LOGGUARD_KAFKA_PROPERTIES, as a=b,c=d or a JSON object.",
    )
    topic: str = _of("Kafka", "log-events", "Topic of the log events.")
    summary_topic: str = _of("Kafka", "window-summaries", "Topic of the summaries.")
    state_topic: str = _of("Kafka", "detector-state", "Topic of the detector's state.")
    output_topic: str = _of("Kafka", "anomaly-results", "Topic of the results.")
    dead_letter_topic: str = _of("Kafka", "dead-letters", "Topic of records that are no events.")
    processor_group: str = _of(
        "Kafka", "logguard-processor", "Consumer group of summarise.", **_GROUP
    )
    detector_group: str = _of("Kafka", "logguard-detector", "Consumer group of detect.", **_GROUP)
    writer_group: str = _of("Kafka", "logguard-writer", "Consumer group of write.", **_GROUP)
    instance: str = _of(
        "Kafka", "", "Name of this process: unique, and best the same after a restart."
    )
    poll_milliseconds: int = _of("Kafka", 100, "How long a poll waits.", ge=1, le=10_000)
    commit_milliseconds: int = _of(
        "Kafka", 250, "How often summaries are committed.", ge=10, le=10_000
    )
    max_batch: int = _of("Kafka", 50_000, "Most messages of one commit.", ge=1, le=1_000_000)
    session_timeout_seconds: float = _of(
        "Kafka", 10.0, "Silence after which a process loses its partitions.", ge=1, le=300
    )

    window_seconds: float = _of("Windows", 30.0, "Length of a window.", ge=1)
    slide_seconds: float = _of("Windows", 5.0, "A window ends every so many seconds.", ge=1)
    lateness_seconds: float = _of("Windows", 2.0, "How long windows wait for stragglers.", ge=0)
    max_lateness_seconds: float = _of(
        "Windows", 600.0, "How late an event may be and still revise its windows.", ge=0
    )
    idle_seconds: float = _of(
        "Windows",
        5.0,
        "Quiet after which a partition's time goes on by the clock, so that it holds no window open for longer.",
        ge=1,
    )
    max_skew_seconds: float = _of(
        "Windows", 60.0, "How far a partition may run ahead of one that has a backlog.", ge=0
    )
    max_future_seconds: float = _of(
        "Windows", 600.0, "How far an event may be ahead of its record's own time.", ge=0
    )

    detector: str = _of("Detection", "fusion", "fusion, novelty, surprise, shift or reference.")
    false_alarms_per_day: float = _of(
        "Detection", 2.0, "False alerts to put up with, a day, over all services.", ge=0.001
    )
    model: str = _of(
        "Detection",
        "",
        "Model directory, or a registry whose current model is taken up while it runs; "
        "learnt from the stream if not given.",
    )
    feedback: str = _of(
        "Detection", "", "File of suppressions and labels, looked at while it runs."
    )
    flush_on_exit: bool = _of("Detection", False, "On exit publish open windows, as not final.")
    run: str = _of("Detection", "", "Name of a re-scoring; empty for the live results.")

    input_format: str = _of(
        "Input",
        "json",
        "json, log4j-xml, container, cri, nginx, logfmt, syslog, plain or prefixed.",
    )
    service: str = _of("Input", "", "Name for events that name no service.")
    timezone: str = _of("Input", "UTC", "IANA time zone of timestamps that have none.")
    group_by: str = _of("Input", "service", "service, JSON fields (service,host), or none.")
    timestamp_field: str = _of("Input", "", "JSON field that holds the time.")
    level_field: str = _of("Input", "", "JSON field that holds the level.")
    service_field: str = _of("Input", "", "JSON field that holds the service.")
    message_field: str = _of("Input", "", "JSON field that holds the message.")
    compiled_after_megabytes: int = _of(
        "Input",
        32,
        "Log, read or waiting, from which on compiled code reads it: faster, and takes 120 MB. -1: never.",
        ge=-1,
    )

    db_url: SecretStr = _of("Database", SecretStr(""), "URL of the database, or path of a file.")
    db_host: str = _of("Database", "localhost", "Host of PostgreSQL or TimescaleDB.")
    db_port: int = _of("Database", 5432, "Its port.", ge=1, le=65535)
    db_name: str = _of("Database", "logguard", "The database.", min_length=1)
    db_user: str = _of("Database", "logguard", "User.")
    db_password: SecretStr = _of(
        "Database",
        SecretStr(DEVELOPMENT_PASSWORD),
        "Password; better by environment or file. Of the two the one holds that was said last.",
    )
    db_password_file: str = _of("Database", "", "File that holds the password.")
    db_sslmode: str = _of(
        "Database",
        "prefer",
        "disable, allow, prefer, require, verify-ca or verify-full.",
        pattern="^(disable|allow|prefer|require|verify-ca|verify-full)$",
    )
    db_sslrootcert: str = _of(
        "Database", "", "Certificate of whom to trust, for verify-ca and -full."
    )
    db_log_events: bool = _of(
        "Database", False, "Keep the log events too, redacted, for 7 days (table log_events)."
    )
    db_batch: int = _of("Database", 100, "Most records of one transaction.", ge=1, le=10_000)
    db_batch_seconds: float = _of("Database", 5.0, "Longest wait for a batch to fill.", gt=0)

    log_level: str = _of(
        "Logging", "info", "debug, info, warning or error.", pattern="^(debug|info|warning|error)$"
    )
    log_format: str = _of(
        "Logging",
        "auto",
        "console, json, or auto: console on a terminal.",
        pattern="^(console|json|auto)$",
    )

    @field_validator(*CHECKS)
    @classmethod
    def _fits(cls, given: str, info: ValidationInfo) -> str:
        return check(str(info.field_name), given)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)  # load_settings has merged them, to know where each value is from

    @property
    def instance_name(self) -> str:
        """The given name, or one that no other process on any machine has just now."""
        return self.instance or f"{socket.gethostname()}-{os.getpid()}"

    @property
    def groups(self) -> tuple[str, ...]:
        """What gets windows of its own, by names of fields; empty: only the whole stream."""
        given = self.group_by.strip()
        return () if given == "none" else tuple(name.strip() for name in given.split(","))

    @property
    def keeper_group(self) -> str:
        """Consumer group of keep."""
        return f"{self.writer_group}-events"

    def password(self) -> str:
        """The database's password; OptionError if its file cannot be read."""
        if not self.db_password_file:
            return self.db_password.get_secret_value()
        try:
            return Path(self.db_password_file).read_text(encoding="utf-8").strip()
        except OSError as e:
            raise OptionError(
                f"--db-password-file {self.db_password_file}: {e.strerror}: name a file that can be read"
            ) from None

    def shown(self) -> dict[str, Any]:
        """Effective values by name, secrets hidden."""
        shown: dict[str, Any] = {}
        for name, value in self:
            if name == "db_url":
                value = _without_password(value.get_secret_value())
            elif isinstance(value, SecretStr):
                value = "***" if value.get_secret_value() else ""
            elif isinstance(value, dict):
                value = {k: "***" if is_secret(k) else v for k, v in value.items()}
            shown[name] = value
        return shown


def is_secret(name: str) -> bool:
    """Whether a setting of this name must not be shown."""
    return bool(_SECRET.search(name)) or name == "db_url"


def _without_password(url: str) -> str:
    """A database's URL as it may be shown; of one that is not plainly without a secret elsewhere, nothing."""
    found = _DATABASE.fullmatch(url)
    if found is None:
        return "***" if url else ""
    options = [option.partition("=") for option in (found["options"] or "").split("&")]
    told = (f"{n}{sign}{v if n in _TOLD else '***'}" for n, sign, v in options if n)
    shown = "&".join(told)
    hidden = ":***" if found["password"] else ""
    return f"{found['before']}{hidden}{found['after']}{'?' if shown else ''}{shown}"


def section(name: str) -> str:
    """The section of a setting."""
    extra = Settings.model_fields[name].json_schema_extra
    assert isinstance(extra, dict)
    return str(extra["section"])


def option(name: str) -> str:
    """``window_seconds`` → ``--window-seconds``."""
    return "--kafka-property" if name == "kafka_properties" else "--" + name.replace("_", "-")
