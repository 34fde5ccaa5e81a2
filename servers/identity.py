"""Certificates made on the spot, for servers that are to be spoken to by TLS."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from servers.process import need, run


@dataclass(frozen=True)
class Identity:
    """A key and a certificate that vouches for itself: whoever trusts it trusts the server."""

    key: Path
    certificate: Path


def make_identity(directory: Path) -> Identity:
    """Make one for 127.0.0.1."""
    need("openssl", "openssl")
    key, certificate = directory / "server.key", directory / "server.crt"
    run(
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
        *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
        *("-keyout", key, "-out", certificate),
    )
    return Identity(key, certificate)
