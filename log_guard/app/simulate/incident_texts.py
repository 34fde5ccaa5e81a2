"""What services say on a bad day, and never on a good one.

Sentences are put together from parts, so that different seeds meet different texts and the same
one is seldom met twice.
"""

from __future__ import annotations

ACTIVITIES: dict[str, tuple[str, ...]] = {
    "api-gateway": (
        "rewriting response headers",
        "merging partial answers",
        "negotiating HTTP/2 with a target",
        "writing the access ledger",
        "evaluating the rate plan",
    ),
    "order-service": (
        "splitting {order} into parcels",
        "repricing basket {uuid}",
        "appending to the order journal",
        "assigning a carrier to {order}",
        "computing duties for {order}",
    ),
    "auth-service": (
        "decoding an identity assertion",
        "hashing a passphrase",
        "loading the consent registry",
        "exchanging a device code",
        "sealing session {uuid}",
    ),
    "payment-service": (
        "posting {payment} to the ledger",
        "building a message for the acquirer",
        "converting the currency of {payment}",
        "opening card vault slot {int:1,400}",
        "closing the batch of merchant {int:1,90}",
    ),
    "inventory-service": (
        "allocating {sku}",
        "applying movement {uuid}",
        "balancing warehouse {int:1,14}",
        "parsing a pallet label",
        "folding the stock journal",
    ),
    "user-service": (
        "reading the profile of {user}",
        "indexing {user}",
        "merging household {int:1,9000}",
        "encrypting contact data",
        "exporting privacy report {uuid}",
    ),
    "notification-service": (
        "composing a digest for {user}",
        "signing mail {uuid}",
        "choosing a channel for {user}",
        "expanding mailing list {int:1,300}",
        "counting opens of campaign {int:1,80}",
    ),
}
"""What a service may be in the middle of when something breaks."""

NOVEL_ERRORS: tuple[str, ...] = (
    "Deadlock in transaction {int:100000,999999} while {doing}",
    "Unexpected null at field #{int:1,40} while {doing}",
    "Schema version {int:31,60} is newer than {int:1,30} while {doing}",
    "Certificate of {internal_ip} has expired, gave up {doing}",
    "Illegal state transition {int:1,9} -> {int:10,19} while {doing}",
    "Checksum {hex:8} does not match {hex:8} while {doing}",
    "Arithmetic overflow while {doing}, rolled back",
    "Cannot decode frame of type 0x{hex:2} while {doing}",
    "Read-only file system met while {doing}",
    "Permission denied by kernel while {doing}",
    "Foreign key {hex:6} violated while {doing}",
    "Assertion failed at line {int:40,900} while {doing}",
    "No such column c_{int:1,60} while {doing}",
    "Peer {internal_ip} speaks protocol {int:5,9}, cannot go on {doing}",
)
"""ERRORs that a service has never logged; ``{doing}`` is one of its ACTIVITIES."""

SUBJECTS: dict[str, tuple[str, ...]] = {
    "api-gateway": ("the edge cache", "the route planner", "the access ledger", "target group B"),
    "order-service": ("the order journal", "the basket store", "the price engine", "parcel plans"),
    "auth-service": ("the session store", "the consent registry", "device codes", "the key ring"),
    "payment-service": ("the ledger", "the card vault", "acquirer sessions", "risk profiles"),
    "inventory-service": ("the stock journal", "bin maps", "pallet labels", "the article index"),
    "user-service": ("the profile store", "the address index", "privacy reports", "households"),
    "notification-service": ("mailing lists", "campaign counters", "the outbox", "bounce records"),
}
"""Parts of a service that may be tampered with."""

NOVEL_INFOS: tuple[str, ...] = (
    "Shadow comparison of {subject} against build {hex:8}: sample {int:1,9000}",
    "Rebuilding {subject}, {int:100,90000} entries left",
    "Replaying {subject} from offset {int:1000,900000}",
    "Moved shard {int:1,64} of {subject} to {internal_ip}",
    "Backfilled page {int:1,4000} of {subject} in {ms:40} ms",
    "Draining {subject} on {internal_ip}, {int:1,90} clients remain",
    "Dry run of retention on {subject} matched {int:1,500} entries",
    "Sampling profiler attached to {subject}, snapshot {hex:12}",
    "Dual write to {subject} and its successor, lag {int:1,40} ms",
    "Re-encrypting {subject} with key generation {int:5,9}, block {int:1,9000}",
)
"""Unseen and INFO only: something unusual goes on and nobody calls it an error."""

DEPENDANTS: dict[str, tuple[str, ...]] = {
    "auth-service": ("api-gateway", "user-service", "order-service", "payment-service"),
    "payment-service": ("order-service", "api-gateway", "notification-service", "user-service"),
    "inventory-service": (
        "order-service",
        "api-gateway",
        "payment-service",
        "notification-service",
    ),
    "user-service": ("auth-service", "api-gateway", "order-service", "notification-service"),
    "order-service": (
        "api-gateway",
        "payment-service",
        "inventory-service",
        "notification-service",
    ),
}
"""Who calls whom: failing service → the services that feel it."""

BREAKDOWNS: tuple[tuple[str, str], ...] = (
    ("ERROR", "Lost connection to primary database {internal_ip}:5432, {int:1,60} writes failed"),
    ("ERROR", "Message broker {internal_ip} refused the session, {int:1,400} messages unsent"),
    ("FATAL", "Worker {int:1,16} died with signal {int:6,11}"),
    ("ERROR", "Leader of shard {int:1,12} unknown, cannot write"),
    ("ERROR", "No route to storage node {internal_ip}"),
    ("ERROR", "Every connection of the pool is taken for {int:5,30} s, request dropped"),
)
"""How a cascade begins."""

TIMEOUTS: tuple[tuple[str, str], ...] = (
    ("ERROR", "Call to {origin} timed out after {int:3000,10000} ms"),
    ("ERROR", "No answer from {origin} within {int:3,10} s, request {uuid} abandoned"),
    ("ERROR", "{origin} unreachable at {internal_ip}: deadline exceeded"),
    ("WARN", "Giving up on {origin} after {int:3,5} attempts"),
    ("ERROR", "Gateway timeout: {origin} silent, answering 504 for {route}"),
)
"""How the callers of ``{origin}`` feel it."""

BREAKERS: tuple[tuple[str, str], ...] = (
    ("WARN", "Circuit to {origin} opened, {int:5,40} failures in a row"),
    ("WARN", "Serving degraded answers without {origin}"),
    ("WARN", "Shedding load meant for {origin}, {int:10,90}% dropped"),
)

ESCALATIONS: tuple[tuple[str, str, str], ...] = (
    ("auth-service", "WARN", "Role administrator granted to {user} by {user} from {ip}"),
    ("auth-service", "ERROR", "Privilege check overridden for {user}, ticket {hex:8} is not known"),
    ("user-service", "WARN", "{user} now acts on behalf of {user}, origin {ip}"),
    ("user-service", "WARN", "Group owners extended by {user}, approval missing"),
    ("api-gateway", "WARN", "Administrative route opened for {ip} with grant {hex:16}"),
)

EXPORTS: tuple[tuple[str, str, str], ...] = (
    ("user-service", "WARN", "Bulk export of {int:2000,90000} profiles to {ip} by {user}"),
    ("user-service", "INFO", "Contact list part {int:1,90} sent to {ip}, {int:100,900} kB"),
    ("order-service", "WARN", "Full order history dumped to {file:tmp} for {ip}"),
    ("payment-service", "ERROR", "Card vault listing asked for by {ip}, {int:50,900} rows given"),
    ("api-gateway", "WARN", "Answer of {int:90,900} MB streamed to {ip}"),
)

RESOURCES: tuple[tuple[str, str, str], ...] = (
    (
        "Heap {used}% full after collection, {int:40,400} MB promoted",
        "Out of memory: cannot allocate {int:1,64} MB",
        "Out of memory, process is being killed",
    ),
    (
        "Volume /srv is {used}% full",
        "No space left on device while writing {file:journal}",
        "Journal cannot be written, stopping",
    ),
    (
        "File descriptors {used}% used, {int:100,900} sockets waiting to close",
        "Too many open files: cannot accept from {internal_ip}",
        "Listener closed: too many open files",
    ),
    (
        "Connection pool {used}% taken, waited {ms:300} ms",
        "Timed out waiting for a free connection after {int:5000,9000} ms",
        "No free connections left, refusing work",
    ),
    (
        "Worker threads {used}% busy, queue grows to {int:100,900}",
        "Task {uuid} rejected: queue is full",
        "All worker threads stuck, watchdog gives up",
    ),
)
"""A resource that runs out: WARN as ``{used}`` rises, ERROR when it is gone, FATAL at the end."""
