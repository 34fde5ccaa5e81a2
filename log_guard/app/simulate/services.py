"""What each service of a web shop says on a normal day.

The vocabulary is data. A table has a line for each text: its weight in the mix, its level, the
text. Some texts are ERRORs that harm nobody and occur all day; some are rare (minutes apart) and
just as normal.
"""

from __future__ import annotations

from dataclasses import dataclass

from log_guard.app.simulate.templates import Template

HEALTH_CHECK_S = 10
JOB_S = 300
RARE_S = (600, 1200)
"""Seconds from one occurrence of a rare text to the next."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service and its vocabulary.

    share:    its share of all traffic.
    hosts:    the hosts that it runs on.
    mix:      what requests make it say.
    weights:  how large a part of the mix each of its texts is; they sum to 1.
    health:   what it says every HEALTH_CHECK_S.
    rare:     what it says now and then, RARE_S apart.
    job:      what its scheduled job says, line by line, every JOB_S; empty if it has none.
    """

    name: str
    share: float
    hosts: tuple[str, ...]
    mix: tuple[Template, ...]
    weights: tuple[float, ...]
    health: Template
    rare: tuple[Template, ...]
    job: tuple[Template, ...]

    def known(self, level: str) -> tuple[Template, ...]:
        """The texts of the normal mix at this level."""
        return tuple(template for template in self.mix if template.level == level)


def _service(
    name: str, share: float, hosts: str, *, mix: str, health: str, rare: str, job: str = ""
) -> Service:
    rows = [row.split(maxsplit=2) for row in mix.strip().splitlines()]
    total = sum(float(weight) for weight, _, _ in rows)

    def unprompted(table: str) -> tuple[Template, ...]:
        pairs = [row.split(maxsplit=1) for row in table.strip().splitlines()]
        return tuple(Template(name, level, text, traced=False) for level, text in pairs)

    return Service(
        name,
        share,
        hosts=tuple(hosts.split()),
        mix=tuple(Template(name, level, text) for _, level, text in rows),
        weights=tuple(float(weight) / total for weight, _, _ in rows),
        health=unprompted(health)[0],
        rare=unprompted(rare),
        job=unprompted(job),
    )


SERVICES: tuple[Service, ...] = (
    _service(
        "api-gateway",
        share=0.34,
        hosts="gw-0 gw-1 gw-2 gw-3",
        mix="""
            30   INFO   GET {route} 200 {ms:38}ms client={ip}
            13   INFO   POST {route} 201 {ms:85}ms client={ip}
            5    INFO   PUT {route} 204 {ms:64}ms client={ip}
            2.5  INFO   DELETE {route} 204 {ms:41}ms client={ip}
            8    INFO   GET {route} 304 {ms:6}ms client={ip}
            3    INFO   GET {route} 404 {ms:11}ms client={ip}
            1.2  INFO   GET {route} 401 {ms:5}ms client={ip}
            6    DEBUG  Route {route} matched rule {int:1,60}
            5    INFO   Forwarded to {internal_ip}:8080, attempt 1
            4    INFO   Edge cache hit for {route}, age {int:1,600}s
            3    INFO   Edge cache filled for {route}, {int:300,90000} bytes
            2    DEBUG  Compressed body from {int:8000,90000} to {int:900,8000} bytes
            2    INFO   WebSocket opened by {user} from {ip}
            2    INFO   WebSocket closed by {user} after {int:1,1800}s
            1    WARN   Request quota at {int:80,99}% for client {ip}
            0.8  WARN   Slow answer from {internal_ip}: {int:900,2500}ms for {route}
            0.5  WARN   Client {ip} hung up before the answer was sent
            0.5  ERROR  Rejected body of {route}: JSON ends at byte {int:10,4000}
            0.3  ERROR  Answering 502 for {route}: {internal_ip}:8080 reset the connection
        """,
        health="DEBUG Probe ok: {int:20,28} of 28 upstream targets in rotation",
        rare="""
            INFO  Routing table reloaded, revision {hex:8}, {int:55,60} rules
            WARN  Upstream {internal_ip}:8080 left rotation for {int:5,20}s, probe was slow
            INFO  Renewed edge certificate, valid for {int:60,90} days
        """,
    ),
    _service(
        "order-service",
        share=0.16,
        hosts="ord-0 ord-1 ord-2",
        mix="""
            16   INFO   Order {order} placed by {user}: {int:1,9} items, total {amount} EUR
            14   INFO   Order {order} moved to {one:PAID|PACKED|SHIPPED}
            12   INFO   Loaded order {order} in {ms:12} ms
            9    INFO   Cart {uuid} priced at {amount} EUR in {ms:18} ms
            7    INFO   Stock held for order {order}, hold {hex:12}
            6    INFO   Delivery slot for {order}: day +{int:1,6}, depot {int:1,14}
            6    INFO   Page {int:1,40} of the order history of {user}, {int:1,25} rows
            5    DEBUG  Tax rule {int:100,260} applied to {order}
            4    DEBUG  Saved order {order} as version {int:1,12}
            3    INFO   Coupon accepted for {order}, {int:5,30}% off
            2.5  INFO   Order {order} cancelled by the customer
            2    INFO   Return {uuid} registered for order {order}
            1    WARN   Coupon on {order} has run out, ignored
            0.8  WARN   Optimistic lock on {order} lost, retry {int:1,2}
            0.6  WARN   Address of {order} incomplete, asking {user}
            0.5  ERROR  Order {order} refused: basket {uuid} is empty
            0.4  ERROR  Order {order} refused: no carrier serves postcode {int:10000,99999}
        """,
        health="INFO Alive: database {ms:3} ms, queue depth {int:0,40}",
        rare="""
            INFO  Configuration reread, {int:0,3} of 112 keys changed
            WARN  Garbage collector paused for {int:220,480} ms (old generation)
            INFO  Read replica switched to {internal_ip}
        """,
        job="""
            INFO  Settlement run {uuid} begins
            INFO  Settlement: {int:200,900} orders since the last run
            INFO  Settlement: wrote {file:settlement}
            INFO  Settlement: sum {amount} EUR booked
            INFO  Settlement run done in {ms:4200} ms
        """,
    ),
    _service(
        "auth-service",
        share=0.13,
        hosts="auth-0 auth-1 auth-2",
        mix="""
            20   INFO   Sign-in accepted for {user} from {ip} in {ms:45} ms
            18   INFO   Session {uuid} refreshed for {user}
            14   INFO   Issued access grant {hex:16} to {user}, valid {one:900|1800|3600} s
            8    DEBUG  Grant {hex:16} verified in {ms:2} ms
            7    INFO   Signed out {user}, session {uuid}
            5    INFO   Second factor passed by {user} via {one:totp|push}
            4    INFO   Consent of {user} recorded for client app {int:1,40}
            3    DEBUG  Key set served to {internal_ip}, etag {hex:8}
            2.5  INFO   Reset link sent to {email}
            2    INFO   New device for {user}: {ip}
            2    WARN   Wrong password for {email} from {ip}, attempt {int:1,3}
            1    WARN   Session {uuid} expired while in use
            0.8  WARN   Clock of client {ip} is off by {int:31,90} s
            0.6  ERROR  Sign-in refused for {email}: invalid password, {int:3,5} attempts, from {ip}
            0.4  ERROR  Grant {hex:16} refused: signature is of a retired key
        """,
        health="DEBUG Self-test ok, directory answers in {ms:5} ms",
        rare="""
            INFO  Signing key rotated, new key id {hex:16}
            INFO  Pool of directory connections resized from {int:16,20} to {int:21,32}
            WARN  Directory {internal_ip} slow to bind: {int:800,1600} ms
        """,
    ),
    _service(
        "payment-service",
        share=0.11,
        hosts="pay-0 pay-1 pay-2",
        mix="""
            16   INFO   Captured {payment}: {amount} EUR for {order} in {ms:210} ms
            14   INFO   Authorised {payment} with {one:visa|mastercard|amex}, code {int:10000,99999}
            9    INFO   Risk score of {payment} is {dec:0.1,39.9}
            8    INFO   Webhook {uuid} from acquirer accepted
            7    DEBUG  Acquirer answered in {ms:140} ms, message id {hex:16}
            5    INFO   Wallet of {user} charged {amount} EUR
            4    INFO   Receipt for {payment} stored as {file:receipts}
            4    DEBUG  Exchange rate EUR/{one:USD|GBP|CHF} is {int:80,119}/100
            3    INFO   Refund of {amount} EUR for {payment} queued
            2.5  INFO   3-D Secure challenge passed for {payment}
            1.5  WARN   Acquirer slow: {int:1200,2600} ms for {payment}
            1    WARN   Challenge for {payment} abandoned after {int:60,300} s
            0.7  WARN   Webhook {uuid} delivered twice, second one dropped
            1.4  ERROR  Card declined for {payment}: {one:insufficient funds|do not honour}
            0.5  ERROR  Card declined for {payment}: expired {int:1,12}/{int:21,25}
            0.3  ERROR  Webhook {uuid} refused: signature does not match
        """,
        health="INFO Heartbeat: acquirer link up, {int:2,14} in flight",
        rare="""
            INFO  Fraud rules reloaded, revision {int:300,420}
            WARN  Acquirer link {int:1,3} reconnected after {int:100,900} ms
            INFO  Batch {uuid} closed with {int:900,4000} captures
        """,
        job="""
            INFO  Reconciliation of the last 5 minutes begins
            INFO  Reconciliation: acquirer report {url} fetched
            INFO  Reconciliation: {int:100,600} of {int:601,640} rows match at first sight
            INFO  Reconciliation ends, 0 rows left open
        """,
    ),
    _service(
        "inventory-service",
        share=0.10,
        hosts="inv-0 inv-1",
        mix="""
            18   INFO   Reserved {int:1,6} of {sku} for {order}
            15   INFO   Stock of {sku} read: {int:0,900} in warehouse {int:1,14}
            10   INFO   Released hold {hex:12} on {sku}
            9    INFO   Picked {int:1,6} of {sku}, bin {int:1,90}-{int:1,40}
            8    DEBUG  Stock cache hit for {sku}
            6    DEBUG  Stock cache miss for {sku}, loaded in {ms:9} ms
            5    INFO   Goods receipt {uuid}: {int:10,500} of {sku}
            3    INFO   Price of {sku} set to {amount} EUR
            2.5  INFO   Moved {int:5,80} of {sku} to warehouse {int:1,14}
            2    INFO   Supplier notice read from {file:suppliers}
            1.8  WARN   Only {int:1,9} of {sku} left, reorder suggested
            0.8  WARN   Hold {hex:12} ran out after {int:600,900} s
            0.7  ERROR  Cannot reserve {sku} for {order}: out of stock
            0.4  ERROR  Unknown article {sku} in supplier notice {uuid}
        """,
        health="DEBUG Ping ok, {int:18,24} database connections idle",
        rare="""
            INFO  Article index compacted, {int:40,70} MB freed
            WARN  Scanner {int:1,40} in warehouse {int:1,14} sent nothing for {int:5,9} min
            INFO  Connection pool resized from {int:20,24} to {int:25,32}
        """,
        job="""
            INFO  Stock sync begins, cursor {hex:16}
            INFO  Stock sync: warehouse feed {url} has {int:200,900} rows
            INFO  Stock sync: {int:0,25} counts corrected
            INFO  Stock sync done in {ms:6100} ms
        """,
    ),
    _service(
        "user-service",
        share=0.10,
        hosts="usr-0 usr-1",
        mix="""
            20   INFO   Profile of {user} served in {ms:8} ms
            12   INFO   Preferences of {user} saved, {int:1,9} keys
            9    INFO   Address book of {user}: {int:1,6} entries
            8    DEBUG  Profile cache {one:hit|miss} for {user}
            6    INFO   Avatar of {user} fetched from {url}
            5    INFO   Account {user} created for {email}
            4    INFO   {email} confirmed by {user}
            3    INFO   Wish list {uuid} of {user} now has {int:1,60} articles
            3    DEBUG  Merged {int:2,5} guest carts into {user}
            2    INFO   Newsletter choice of {user} is {one:weekly|monthly|none}
            1    INFO   Account {user} closed on request
            1    WARN   Phone number of {user} not confirmed for {int:30,400} days
            0.7  WARN   Avatar of {user} too large: {int:5,20} MB
            0.6  ERROR  Cannot create account: {email} is taken
            0.3  ERROR  Avatar host answered 404 for {url}
        """,
        health="INFO Ready, uptime {int:100,90000} s, {int:40,60} threads",
        rare="""
            INFO  Search index refreshed, {int:80000,81000} profiles
            WARN  Garbage collector paused for {int:200,420} ms (compacting)
            INFO  Feature switches reloaded from {internal_ip}
        """,
        job="""
            INFO  Clean-up of guest profiles begins
            INFO  Clean-up: {int:20,300} guest profiles removed
            INFO  Clean-up: {int:0,12} kept because of open carts
            INFO  Clean-up done in {ms:900} ms
        """,
    ),
    _service(
        "notification-service",
        share=0.06,
        hosts="ntf-0 ntf-1",
        mix="""
            20   INFO   Mail {uuid} handed to relay for {email}
            12   INFO   Push {hex:16} delivered to {user} in {ms:120} ms
            8    INFO   Text message to {user} accepted by carrier {int:1,5}
            7    DEBUG  Rendered letter {one:welcome|receipt|shipped} in {ms:7} ms
            6    INFO   Relay confirmed mail {uuid}
            4    INFO   {user} opened mail {uuid}
            3    DEBUG  Queue {one:mail|push} drained, {int:0,30} left
            2.5  INFO   Callback {url} answered 200 in {ms:90} ms
            1.4  WARN   Mail {uuid} deferred by relay, next try in {int:1,15} min
            0.9  WARN   Push channel of {user} is gone, removed
            0.8  ERROR  Mail to {email} bounced: mailbox unknown
            0.4  ERROR  Callback {url} answered 410, subscription removed
        """,
        health="INFO Relay reachable, backlog {int:0,90} messages",
        rare="""
            INFO  Letter templates reloaded, {int:36,38} found
            WARN  Carrier {int:1,5} asks to send slower for {int:10,60} s
        """,
    ),
)

BY_NAME: dict[str, Service] = {service.name: service for service in SERVICES}
