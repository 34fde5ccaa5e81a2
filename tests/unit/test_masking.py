"""Masking: what varies goes, what is secret goes first, and the text that is left says what it was."""

from __future__ import annotations

import string
from random import Random

import polars as pl
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from log_guard.core.masking import (
    MAX_MESSAGE_CHARS,
    MAX_SAMPLE_CHARS,
    MAX_TEMPLATE_CHARS,
    Masker,
    mask_one,
    masker,
    redact,
    showing,
)
from log_guard.core.masking.rules import NARROWING, RULES
from log_guard.core.masking.secret_shapes import SECRETS
from log_guard.errors import OptionError
from tests.streams import bounded

TEMPLATES = {
    "service started": "service started",
    "": "",
    "   padded   ": "padded",
    # identifiers
    "job 550e8400-e29b-41d4-a716-446655440000 done": "job <uuid> done",
    "job 550E8400-E29B-41D4-A716-446655440000 done": "job <uuid> done",
    "job deadbeef-dead-beef-dead-deadbeefdead done": "job <uuid> done",
    "Payment processed - transaction_id: txn_552216, amount: $705.61": (
        "Payment processed - transaction_id: <id>, amount: $<num>"
    ),
    "topic id Some(hCJuwWqB_EcDHeM_drTFRA)": "topic id Some(<id>)",
    "uuid hCJuwWqB-EcDHeM-drTFRA is up": "uuid <id> is up",
    "ConnectionPoolStarting in max_concurrent_running": (
        "ConnectionPoolStarting in max_concurrent_running"
    ),
    "user-77 left": "<id> left",
    "Login: user=<bob>, TLS, session=<Nd1yS5xQyrJ/AAAB>": "Login: user=<bob>, TLS, session=<<id>>",
    "Login: user=<bob>, TLS, session=<QkFgSvxQyrJNAqAF>": "Login: user=<bob>, TLS, session=<<id>>",
    "Login: user=<bob>, TLS, session=</+FgS9xQyrJ+AAA=>": "Login: user=<bob>, TLS, session=<<id>>",
    "imap(bob)<77><QkFgSvxQyrJ/AqAF>: Disconnected": "imap(bob)<<num>><<id>>: Disconnected",
    "imap(bob)<77><6SyyeRPlmMbAqAFk>: Disconnected": "imap(bob)<<num>><<id>>: Disconnected",
    "List<String> of <br/> and <none>": "List<String> of <br/> and <none>",
    "blk_-1608999687919862906 terminating": "<id> terminating",
    "order 8f3a9c21 shipped": "order <num> shipped",
    "pointer 0xdeadbeef": "pointer <hex>",
    "pointer 0x1f": "pointer <hex>",
    # the network
    "from 10.0.0.1:8080": "from <ip>:<num>",
    "route 10.0.0.0/8": "route <ip>",
    "from 2001:0db8:0000:0000:0000:ff00:0042:8329": "from <ip>",
    "from 2001:db8::8a2e:370:7334": "from <ip>",
    "from fe80::1": "from <ip>",
    "card 00:1a:2b:3c:4d:5e": "card <mac>",
    "card aa:bb:cc:dd:ee:ff": "card <mac>",
    "card 00-1A-2B-3C-4D-5E": "card <mac>",
    "mail to bob.smith+x@example.co.uk now": "mail to <email> now",
    "GET https://example.com/a/b?x=1&y=2 200": "GET <url> <num>",
    # how a request was answered is no number like others
    '10.0.0.1:41208 - "GET /items/7 HTTP/1.1" 200': '<ip>:<num> - "GET <path> HTTP/<num>" <num>',
    '10.0.0.1:41208 - "GET /items/7 HTTP/1.1" 503': '<ip>:<num> - "GET <path> HTTP/<num>" server-error',
    '"PUT /a HTTP/2" 404 0 "-"': '"PUT <path> HTTP/<num>" client-error <num> "-"',
    '"PUT /a HTTP/1.1" 499 0 "-"': '"PUT <path> HTTP/<num>" <num> "-"',
    '"PUT /a HTTP/1.1" 5030': '"PUT <path> HTTP/<num>" <num>',
    "took 503 ms": "took <num> ms",
    "GET /api/v1/users/123?page=2 done": "GET <path> done",
    # numbers
    "took 150ms": "took <num>ms",
    "took 12.5ms": "took <num>ms",
    "took 12.5 ms": "took <num> ms",
    "heap 5GB of 16GB": "heap <num>GB of <num>GB",
    "disk at 93%": "disk at <num>",
    "offset -5, x=-1.5": "offset <num>, x=<num>",
    "rows: 1,234,567": "rows: <num>",
    "ids 1, 2, 3, 4": "ids <num>",
    "ids 1, 2, 3, 4, 5, 6": "ids <num>",
    # times
    "since 2026-01-01T12:00:00.123Z ok": "since <timestamp> ok",
    "since 2026-01-01 12:00:00,123 ok": "since <timestamp> ok",
    "since 2026-01-01T12:00:00+01:00 ok": "since <timestamp> ok",
    "since 2026/01/01 ok": "since <timestamp> ok",
    "at 12:34:56.789": "at <timestamp>",
    "[23/Nov/2026:23:36:28 +0000] hit": "[<timestamp>] hit",
    # places
    "cannot open /var/log/app.log": "cannot open <path>",
    "cannot open ./a/b.txt": "cannot open <path>",
    r"cannot open C:\Users\bob\f.txt": "cannot open <path>",
    "read/write and on/off": "read/write and on/off",
    # other scripts
    "übertrag 42 €": "übertrag <num> €",
    "价格 100 元": "价格 <num> 元",
    "ошибка 7: нет": "ошибка <num>: нет",
    "GET https://a.example/cb?code=abcdefghijklmnop&state=q1 9": "GET <url> <num>",
    "GET /cb?state=q&code=abcdefghijklmnop&x=q 9": "GET <path> <num>",
    # structures
    'got {"a": 1, "b": [2, 3]}': "got <data>",
    # several lines
    "boom\n  at a.b(C.java:3)\n  at d": "boom",
    "boom\njava.lang.NullPointerException: x\n\tat a.b(C.java:3)": (
        "boom | java.lang.NullPointerException"
    ),
    'Traceback (most recent call last):\n  File "x.py", line 3\nValueError: bad 3': (
        "Traceback (most recent call last): | ValueError"
    ),
    "\n\nafter blank lines": "after blank lines",
}


@pytest.mark.parametrize("message", TEMPLATES)
def test_template(message: str) -> None:
    assert mask_one(message) == TEMPLATES[message]


def test_a_column_is_masked_row_by_row_in_its_order() -> None:
    messages = [*TEMPLATES, *reversed(TEMPLATES)]
    assert Masker().templates(pl.Series(messages)).to_list() == [TEMPLATES[m] for m in messages]


SECRET = "Zq" + "hunterHUNTER"
LEAKS = {
    "password": f"login with password={SECRET} ok",
    "spaces around": f"login with password : {SECRET} ok",
    "double quotes": f'password="{SECRET} {SECRET}"',
    "single quotes": f"passwd='{SECRET} {SECRET}'",
    "a quote within": f'password="a\\"{SECRET}" done',
    "a closing quote that was cut off": f'password="{SECRET}',
    "punctuation in front": f"pwd=!{SECRET}",
    "JSON": f'{{"user": "bob", "api_key": "{SECRET}"}}',
    "JSON in JSON": f'body={{\\"user\\":\\"bob\\",\\"password\\":\\"{SECRET}\\"}}',
    "query": f"GET /a?access_token={SECRET}&x=1",
    "token": f"refresh-token: {SECRET}",
    "client secret": f"CLIENT_SECRET={SECRET}",
    "AWS": f"aws_secret_access_key = {SECRET}",
    "bearer": f"Authorization: Bearer {SECRET}",
    "bearer alone": f"sent bearer {SECRET}",
    "basic": f"authorization=Basic {SECRET}==",
    "another scheme": f"Authorization: Negotiate {SECRET}",
    "token scheme": f"Authorization: token {SECRET}",
    "JWT": f"jwt eyJ{SECRET}.eyJ{SECRET}.{SECRET} seen",
    "AWS key id": f"key AKIA{SECRET}",
    "GitHub": f"cloned with ghp_{SECRET}",
    "GitHub, user to server": f"cloned with ghu_{SECRET}",
    "Stripe": f"charged by rk_live_{SECRET}",
    "Google": f"asked with AIza{SECRET}",
    "Slack": f"posted by xoxb-{SECRET}",
    "URL": f"postgres://bob:{SECRET}@db.example/x",
    "URL without a user": f"redis://:{SECRET}@cache",
    "URL with a token": f"https://{SECRET}@git.example/x.git",
    "URL with an @ in the password": f"postgres://bob:p@{SECRET}@db.example/x",
    "a short name": f"login with pass={SECRET} ok",
    "a short name behind another": f"DB_PASS={SECRET}",
    "a short name in JSON": f'{{"user":"bob","pass": "{SECRET}"}}',
    "a comma within": f"password=abc,{SECRET} more",
    "two commas within": f"login with password: a,b,{SECRET}; bye",
    "an option of a command": f"COMMAND=/bin/x --db-password {SECRET} --verbose",
    "a session": f"session_id={SECRET} expired",
    "a Java session": f"GET /a;jsessionid={SECRET}?x=1",
    "a PHP session": f"PHPSESSID: {SECRET}",
    "a session in a query": f"GET /a?x=1&sid={SECRET}",
    "cookies": f"Cookie: theme=dark; sid={SECRET}; x={SECRET}",
    "a cookie that is set": f"< Set-Cookie: id={SECRET}; Path=/; HttpOnly",
    "cookies in JSON": f'{{"cookie":"a={SECRET}; b={SECRET}","x":1}}',
    "a cookie as a parameter": f"cookie={SECRET} status=200",
    "a one-time password": f"otp={SECRET}",
    "URL with a / in the password": f"postgres://bob:p/{SECRET}/x@db.example/x",
    "URL with / and @ in the password": f"postgres://bob:p/@{SECRET}@db.example/x",
    "URL with a / after digits": f"postgres://bob:12x/{SECRET}@db.example/x",
    "Slack's webhook": f"POST https://hooks.slack.com/services/T0{SECRET}/B0{SECRET}/{SECRET} 200",
    "Discord's webhook": f"POST https://discord.com/api/webhooks/1234567890/{SECRET}_{SECRET} 204",
    "Discord's webhook without a scheme": f"to discordapp.com/api/v10/webhooks/1234/x-{SECRET}",
    "a token behind a space": f"unknown token a7x9{SECRET}, giving up",
    "an API key behind a space": f"used API key 7k{SECRET}{SECRET}_x",
    "a key with a prefix": f"api-key pk_test_x9y7{SECRET}: no such key",
    "OAuth's code": f"GET /callback?code=4/0-{SECRET}.{SECRET}&state=x",
    "OAuth's code, not first": f"to https://a.example/?state=x&code={SECRET}_{SECRET}",
    "prose": f'passwd is "{SECRET}" wrong',
    "prose without quotes": f"the token was {SECRET}, and is spent",
    "a quoted password": f"wrong password '{SECRET}'",
    "key block": f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----",
    "encrypted key block": (
        f"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n{SECRET}\n-----END RSA PRIVATE KEY-----"
    ),
    "key block that was cut off": f"-----BEGIN EC PRIVATE KEY-----\n{SECRET}",
}


@pytest.mark.parametrize("message", LEAKS.values(), ids=LEAKS)
def test_a_secret_is_in_no_template_and_in_no_sample(message: str) -> None:
    shown = redact(pl.Series([message]))[0]
    assert "hunter" not in mask_one(message)
    assert "hunter" not in shown
    assert "<secret>" in shown


@bounded(50)
@given(
    secret=st.text("GHJKLMNPQRSTVWXYZghjkmnpqrstvwxyz", min_size=10, max_size=30),
    carrier=st.sampled_from(sorted(LEAKS.values())),
    before=st.text(string.ascii_lowercase + " ", max_size=20),
)
def test_no_secret_survives_whatever_it_is(secret: str, carrier: str, before: str) -> None:
    message = f"{before} {carrier.replace(SECRET, secret)}"
    assert secret not in mask_one(message)
    assert secret not in redact(pl.Series([message]))[0]


@pytest.mark.parametrize(
    "message",
    [
        "password reset requested",
        "token expired",
        "token: (none)",
        "the secret of success",
        "max_tokens=4096",
        "mail to bob@example.com",
        "basic authentication failed",
        "Basic Authentication required by bearer-only realm",
        "passed 3 of 4, first pass: done",
        "session 12 opened, session: active",
        "http://localhost:4873/@scope/package",
        "https://example.com/search?mail=bob@example.com",
        "side effects: none",
        "password is required",
        "password ChangeRequested by admin, password policy2=strict",
        "password 2026-01-01 expired, password attempts 3",
        "pwd /srv/App1/x",
        "secret rotated",
        "secret default/app-tls-v2 not found, secret db-credentials-1",
        "secret SecretProviderClass missing",
        "exit code=1, code=503, then code=0123456789abcdef",
        "GET /items?code=503&x=1",
        "cvv check failed, cvc-complex-type.2.4.a: 123456, cvv 12345",
        'unexpected token "}" in line 3',
        "unexpected token Identifier2, token bucket3 is full, token type JWT2",
        "token 1234567890 of 4096, token user-4711-session, token 2026-01-01T00:00:00Z expired",
        "api key missing, API key rotated by admin1, access key last used 2026-01-01",
        "token request1234567=failed",
        "unexpected token utf8mb4_unicode_ci, token sha256withrsaencryption, token x86_64-linux-gnu",
        "token authentication2fa enabled, api key base64encodedvalue, token partition12-replica-3",
        "GET /errors?code=E1234 and /errors?x=1&code=500, /errors?code=ERR-4021-AUTH",
        "see https://discord.com/channels/1234/5678",
        "card declined after 3000 ms, 4242 4242 left",
        "took 4000-4100-4200 steps of 12345678-1234-4567-8901-123456789012",
        "card 4111 1111 1111 1112 declined, card=4111111111111112",  # the check digit is wrong
        "took 0.4111111111111111 s, or 4111111111111111.5",
        "id4111111111111111 at 1700000000000, then 17000000000000000",
    ],
)
def test_what_is_no_secret_is_shown(message: str) -> None:
    assert redact(pl.Series([message]))[0] == message


def test_a_sample_keeps_its_numbers() -> None:
    assert redact(pl.Series(["took 12 ms at 10.0.0.1"]))[0] == "took 12 ms at 10.0.0.1"


CONTROLS = [chr(c) for c in (*range(32), 127, *range(128, 160), 0x200F, 0x202E, 0x2028, 0x2066)]


@bounded(50)
@given(st.lists(st.one_of(st.sampled_from(CONTROLS), st.text(max_size=3)), max_size=12))
@example(["a\x1b[31mred", "\u202eevil", "\x00"])
def test_control_characters_go(parts: list[str]) -> None:
    message = "".join(parts)
    for shown in (mask_one(message), redact(pl.Series([message]))[0]):
        assert not set(shown) & set(CONTROLS)


MESSAGES = st.one_of(
    st.text(max_size=80),
    st.sampled_from([*TEMPLATES, *LEAKS.values()]),
    st.text(string.ascii_letters + string.digits + " .:-_/=[]{}<>@\n\"'\\", max_size=80),
)


@bounded(40)
@given(st.lists(MESSAGES, min_size=1, max_size=5))
def test_a_template_depends_on_its_message_alone(messages: list[str]) -> None:
    together = Masker().templates(pl.Series(messages)).to_list()
    assert together == [mask_one(message) for message in messages]


@bounded(60)
@given(MESSAGES, st.randoms(use_true_random=False))
def test_messages_that_differ_in_digits_only_share_their_template(
    message: str, random: Random
) -> None:
    assume("HTTP/" not in message)  # how a request was answered is no number like others
    other = "".join(random.choice(string.digits) if c in string.digits else c for c in message)
    one, same = Masker().templates(pl.Series([message, other])).to_list()
    assert one == same


@bounded(20)
@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_numbers_of_any_length_share_their_template(one: int, other: int) -> None:
    messages = pl.Series([f"took {one} ms", f"took {other} ms"])
    assert Masker().templates(messages).to_list() == ["took <num> ms"] * 2


@bounded(30)
@given(st.text(max_size=3000))
@example("{" * 3000)
@example("a@" * 1500)
@example("password=" * 300)
@example("0:" * 1500)
@example("\n" * 3000)
def test_any_text_has_a_template_and_a_sample_of_bounded_length(message: str) -> None:
    assert len(mask_one(message)) <= MAX_TEMPLATE_CHARS
    assert len(redact(pl.Series([message]))[0]) <= MAX_SAMPLE_CHARS


def test_only_the_beginning_of_a_long_message_counts() -> None:
    start = "x " * (MAX_MESSAGE_CHARS // 2)
    assert mask_one(start + "one end") == mask_one(start + "another end")
    long = "word " * 200
    assert redact(pl.Series([long]))[0] == long[: MAX_SAMPLE_CHARS - 1] + "…"


def test_a_secret_that_the_cut_halves_is_still_a_secret() -> None:
    message = f'password="{SECRET * 300}"'
    assert len(message) > MAX_MESSAGE_CHARS
    assert "hunter" not in mask_one(message) + redact(pl.Series([message]))[0]


def test_masks_of_the_users_own_come_first() -> None:
    masker = Masker((("order", r"ORD-[A-Z0-9]+"), ("tenant", r"acme|globex")))
    messages = pl.Series(["ORD-77X of acme shipped", "ORD-A of globex shipped"])
    assert masker.templates(messages).to_list() == ["<order> of <tenant> shipped"] * 2


@pytest.mark.parametrize(
    "mask", [("Upper", "x"), ("a b", "x"), ("", "x"), ("ok", "("), ("ok", "(?=x)")]
)
def test_a_mask_that_cannot_work_is_refused(mask: tuple[str, str]) -> None:
    with pytest.raises(OptionError):
        Masker((mask,))


@bounded(50)
@given(MESSAGES)
def test_no_digit_is_left_in_a_template(message: str) -> None:
    assert not set(mask_one(message)) & set(string.digits)


def test_a_full_memory_of_templates_changes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("log_guard.core.masking.masker.MAX_CACHED", 5)
    masker = Masker()
    messages = list(TEMPLATES)
    for _ in range(2):
        for start in range(0, len(messages), 3):
            some = messages[start : start + 3]
            assert masker.templates(pl.Series(some)).to_list() == [TEMPLATES[m] for m in some]


def test_all_expressions_fit_into_what_polars_remembers() -> None:
    """One more than 32, and each of them is compiled again in each batch: ten times slower."""
    rules = [masker.DIGITS, showing.ODD, showing.CONTROL, showing.EXCEPTION]
    rules += [pattern for pattern, _ in SECRETS + NARROWING + RULES]
    assert len(set(rules)) <= 28  # timestamps, levels and a mask of the user's own need some


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("password=a,user=bob", "password=<secret>,user=bob"),
        ("password: a, user: bob", "password: <secret>, user: bob"),
        ("pwd=a;token=b;x=c", "pwd=<secret>;token=<secret>;x=c"),
        ("(password=a)", "(password=<secret>)"),
        ('{"cookie":"a=b; c=d","x":1}', '{"cookie":<secret>,"x":1}'),
        ('{"Set-Cookie":["a=b","c=d"],"x":1}', '{"Set-Cookie":<secret>,"x":1}'),
        ("card 4111 1111 1111 1111 declined", "card <secret> declined"),
        ("paid by 3782-822463-10005 today", "paid by <secret> today"),
        ("card number: 4111111111111111 declined", "card number: <secret> declined"),
        ("cookie=a status=200", "cookie=<secret> status=200"),
        ("passwd hunter2secret: wrong", "passwd <secret>: <secret>"),  # "secret:" is a key as well
        ("pwd P@ssw0rd!, password aBcDeFGH", "pwd <secret>, password <secret>"),
        ("secret wJalrXUtnFEMI/K7MDENG seen", "secret <secret> seen"),
        ("secret access key wJalrXUtnFEMI/K7MDENG", "secret access key <secret>"),
        (
            "https://hooks.slack.com/services/T0/B0/abc?x=1",
            "https://hooks.slack.com/services/<secret>?x=1",
        ),
        ("/cb?code=4/0AX4XfWhAbCdEfGh&state=x", "/cb?code=<secret>&state=x"),
        ("cvv 123, cvv=123", "cvv <secret>, cvv=<secret>"),
        ('{"cvv2": "1234", "cvc":123}', '{"cvv2": "<secret>", "cvc":<secret>}'),
        (
            "https://bob:pw@example.com/a?mail=x@example.com",
            "https://<secret>@example.com/a?mail=x@example.com",
        ),
    ],
)
def test_what_stands_beside_a_secret_is_shown(message: str, shown: str) -> None:
    assert redact(pl.Series([message]))[0] == shown


@pytest.mark.parametrize(
    ("message", "template"),
    [
        ("a::b called add::bad", "a::b called add::bad"),
        ("std::bad_alloc in dead::beef", "std::bad_alloc in dead::beef"),
        ("from fe80::1 to 2001:db8::ff", "from <ip> to <ip>"),
        ("from dead::beef:1 to ::1", "from <ip> to ::<num>"),
    ],
)
def test_two_colons_are_an_address_if_there_is_a_digit(message: str, template: str) -> None:
    assert mask_one(message) == template
