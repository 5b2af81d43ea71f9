# SPDX-License-Identifier: Apache-2.0
"""What Viaduct sets on a proxied request, whose word it takes for it, and what it takes away on each connection."""
import pytest

from harness.client import HOST, RawClient, build_request, exchange, fetch
from harness.expect import REQUEST_ID, carried
from harness.upstream import answer

TRUSTING, OFF, APPEND = "trusting.example.com", "off.example.com", "append.example.com"
FORGED = [("X-Real-IP", "6.6.6.6"), ("X-Forwarded-For", "6.6.6.6, 7.7.7.7"), ("X-Forwarded-Proto", "gopher"),
          ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Port", "666"), ("x-forwarded-for", "8.8.8.8"),
          ("X-Forwarded-Prefix", "/evil")]
NAMES = ["X-Real-IP", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Request-ID"]
# The daemon trusts this address on the site TRUSTING; a client can choose any of 127.0.0.0/8.
TRUSTED, UNTRUSTED = "127.0.0.2", "127.0.0.3"


def text_of(site_pair, secret_file, upstream):
    """YAML by hand: `off` stands unquoted, as people write it."""
    return f"""
listeners:
  - {{ address: "127.0.0.1:0" }}
  - {{ address: "127.0.0.1:0", tls: true }}
upstreams:
  app: {{ servers: ["{upstream.url}"] }}
sites:
  - hosts: [{HOST}]
    tls: {{ cert: "{site_pair.cert}", key: "{site_pair.key}" }}
    routes:
      - name: api
        match: {{ prefix: / }}
        upstream: app
        headers:
          request:
            set: {{ X-Internal-Secret: "file:{secret_file}", X-Static: "one value" }}
            remove: [X-Debug, cookie2]
            add: {{ X-Added: "yes" }}
          response:
            set: {{ X-Frame-Options: DENY }}
            add: {{ X-Served-By: viaduct }}
            remove: [Server, X-Powered-By]
  - hosts: [{TRUSTING}]
    trusted_proxies: [{TRUSTED}/32, 10.0.0.0/8]
    routes:
      - {{ name: trusting, match: {{ prefix: / }}, upstream: app }}
  - hosts: [{OFF}]
    routes:
      - {{ name: off-route, match: {{ prefix: / }}, upstream: app, forwarded: off }}
  - hosts: [{APPEND}]
    routes:
      - {{ name: append, match: {{ prefix: / }}, upstream: app, forwarded: append }}
logs:
  access: {{ file: "access.log", format: json }}
  error: {{ file: "-", level: info }}
admin: {{ socket: admin.sock }}
process: {{ workers: 2, drain: 5s }}
"""


@pytest.fixture(scope="module")
def daemon(start_daemon, place, site_pair, raw):
    secret = place / "internal-secret"
    secret.write_text("s3cr3t-of-the-inside\n")
    return start_daemon(text_of(site_pair, secret, raw))


@pytest.fixture(autouse=True)
def fresh(raw):
    raw.clear()
    raw.handler = lambda received: answer()


def send(daemon, raw, fields=(), host=HOST, listener=None, source=None, target="/x"):
    """Sends a GET; returns (what arrived, the access record)."""
    raw.clear()
    response = exchange(listener or daemon.http, build_request("GET", target, fields, host=host), source=source)
    return raw.only(), daemon.record_of(response)


# ---- X-Forwarded-* --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("fields", [[], FORGED], ids=["none", "forged"])
def test_client_is_described_by_its_connection_alone(daemon, raw, scheme, fields):
    listener = getattr(daemon, scheme)
    received, record = send(daemon, raw, fields, listener=listener, source=UNTRUSTED)
    assert [received.get(name) for name in NAMES[:5]] == [UNTRUSTED, UNTRUSTED, scheme, HOST, str(listener.port)]
    assert not received.all("X-Forwarded-Prefix")
    assert record["client_ip"] == UNTRUSTED and 0 < record["client_port"] < 65536


def test_host_is_forwarded_as_received(daemon, raw):
    for host in (HOST, f"{HOST}:8443", HOST.upper()):
        received, _ = send(daemon, raw, host=host)
        assert received.get("Host") == host
        assert received.get("X-Forwarded-Host").lower() in (host.lower(), HOST)


def test_without_host_in_http_1_0(daemon, raw):
    assert fetch(daemon.http, "GET", "/x", host=None, version="HTTP/1.0").status == 200
    assert raw.only().all("Host") == raw.only().all("X-Forwarded-Host") == [HOST]


@pytest.mark.parametrize("given, appended, real", [
    ("203.0.113.9", "203.0.113.9, 127.0.0.2", "203.0.113.9"),
    ("203.0.113.9, 10.1.2.3", "203.0.113.9, 10.1.2.3, 127.0.0.2", "203.0.113.9"),
    ("1.1.1.1, 203.0.113.9", "1.1.1.1, 203.0.113.9, 127.0.0.2", "203.0.113.9"),
    ("6.6.6.6, 203.0.113.9, 10.1.1.1, 10.2.2.2", "6.6.6.6, 203.0.113.9, 10.1.1.1, 10.2.2.2, 127.0.0.2", "203.0.113.9"),
    ("2001:db8::7", "2001:db8::7, 127.0.0.2", "2001:db8::7"),
    (None, "127.0.0.2", "127.0.0.2"),
])
def test_trusted_proxy_is_believed(daemon, raw, given, appended, real):
    fields = [("X-Forwarded-For", given)] if given else []
    received, record = send(daemon, raw, fields, host=TRUSTING, source=TRUSTED)
    assert received.get("X-Forwarded-For").replace(" ", "") == appended.replace(" ", "")
    assert received.get("X-Real-IP") == real == record["client_ip"]


def test_all_lines_of_a_trusted_proxy_count(daemon, raw):
    fields = [("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "203.0.113.9, 10.1.1.1")]
    received, record = send(daemon, raw, fields, host=TRUSTING, source=TRUSTED)
    assert received.get("X-Real-IP") == record["client_ip"] == "203.0.113.9"
    assert received.tokens("X-Forwarded-For") == ["1.1.1.1", "203.0.113.9", "10.1.1.1", "127.0.0.2"]


def test_trusted_proxy_says_scheme_and_host(daemon, raw):
    fields = [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "https"),
              ("X-Forwarded-Host", "public.example")]
    received, _ = send(daemon, raw, fields, host=TRUSTING, source=TRUSTED)
    assert (received.get("X-Forwarded-Proto"), received.get("X-Forwarded-Host")) == ("https", "public.example")


def test_trust_is_of_the_site_and_of_the_address(daemon, raw):
    for host, source in ((TRUSTING, UNTRUSTED), (HOST, TRUSTED)):
        received, record = send(daemon, raw, FORGED, host=host, source=source)
        assert received.get("X-Real-IP") == received.get("X-Forwarded-For") == record["client_ip"] == source
        assert (received.get("X-Forwarded-Proto"), received.get("X-Forwarded-Host")) == ("http", host)


def test_forwarded_off_leaves_the_fields_alone(daemon, raw):
    received, _ = send(daemon, raw, FORGED, host=OFF)
    ours = {name.lower() for name, _ in FORGED}
    assert [pair for pair in received.fields if pair[0].lower() in ours] == FORGED
    received, _ = send(daemon, raw, host=OFF)
    assert not any(received.all(name) for name in NAMES[:5])


def test_forwarded_append_adds_to_what_any_client_says(daemon, raw):
    received, _ = send(daemon, raw, [("X-Forwarded-For", "203.0.113.9")], host=APPEND, source=UNTRUSTED)
    assert received.tokens("X-Forwarded-For") == ["203.0.113.9", UNTRUSTED]


# ---- X-Request-ID ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["a", "A-1.b_2", "x" * 128, "0815"])
def test_request_id_is_kept(daemon, raw, value):
    response = fetch(daemon.http, "GET", "/x", [("X-Request-ID", value)])
    assert response.request_id == value == raw.only().get("X-Request-ID")
    daemon.wait_record(value)


@pytest.mark.parametrize("value",
                         ["", "x" * 129, "a b", "a;b", "<script>", "ä".encode().decode("latin-1"), "a\"b", "a,b"])
def test_request_id_of_another_form_is_replaced(daemon, raw, value):
    response = fetch(daemon.http, "GET", "/x", [("X-Request-ID", value)])
    made = response.request_id
    assert REQUEST_ID.fullmatch(made) and made != value
    assert raw.only().get("X-Request-ID") == made
    daemon.wait_record(made)


def test_made_request_ids_differ(daemon):
    with RawClient(daemon.http.port) as client:
        made = {client.request("GET", "/x").request_id for _ in range(100)}
    assert len(made) == 100


# ---- hop-by-hop -----------------------------------------------------------------------------------------------------


def test_fields_of_the_connection_end_here(daemon, raw):
    fields = [("Connection", "keep-alive, X-Mine"), ("X-Mine", "1"), ("Keep-Alive", "timeout=5"), ("TE", "trailers"),
              ("Proxy-Connection", "keep-alive"), ("Upgrade", "foo/2"), ("connection", "x-other"), ("X-Other", "2"),
              ("X-Stays", "3")]
    received, _ = send(daemon, raw, fields)
    assert [pair for pair in carried(received.fields) if pair[0] not in ("X-Internal-Secret", "X-Static",
                                                                         "X-Added")] == [
        ("Host", HOST), ("X-Stays", "3")]
    for name in ("Keep-Alive", "TE", "Proxy-Connection", "Upgrade", "X-Mine", "X-Other"):
        assert not received.all(name), name


def test_connection_cannot_remove_what_protects(daemon, raw):
    protected = ["Host", "Authorization", "Cookie", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host",
                 "X-Real-IP",
                 "X-Forwarded-Port", "X-Request-ID", "X-Internal-Secret", "Content-Type"]
    fields = [("Connection", ", ".join(protected)), ("Connection", "close, x-forwarded-for,X-REAL-IP"),
              ("Authorization", "Bearer b"), ("Cookie", "c=1"), ("X-Forwarded-For", "6.6.6.6")]
    received, _ = send(daemon, raw, fields, source=UNTRUSTED)
    assert (received.get("Authorization"), received.get("Cookie"), received.get("Host")) == ("Bearer b", "c=1", HOST)
    assert received.get("X-Forwarded-For") == received.get("X-Real-IP") == UNTRUSTED
    assert received.get("X-Forwarded-Proto") == "http" and received.get("X-Request-ID")
    assert received.get("X-Internal-Secret") == "s3cr3t-of-the-inside"


def test_response_fields_of_the_connection_end_here(daemon, raw):
    fields = [("Connection", "keep-alive, X-Mine"), ("X-Mine", "1"), ("Keep-Alive", "timeout=5"), ("Upgrade", "h2c"),
              ("Proxy-Connection", "close"), ("X-Stays", "3")]
    raw.handler = lambda received: answer(fields=fields)
    response = fetch(daemon.http, "GET", "/x")
    assert ("X-Stays", "3") in response.fields
    for name in ("X-Mine", "Keep-Alive", "Upgrade", "Proxy-Connection"):
        assert not response.all(name), name


def test_via_is_not_added(daemon, raw):
    received, _ = send(daemon, raw, [("Via", "1.0 fred")])
    assert received.all("Via") == ["1.0 fred"]
    assert not fetch(daemon.http, "GET", "/x").all("Via")


# ---- headers: -------------------------------------------------------------------------------------------------------


def test_request_fields_are_set_removed_and_added(daemon, raw):
    fields = [("X-Internal-Secret", "forged"), ("x-internal-secret", "forged again"), ("x-DEBUG", "1"),
              ("Cookie2", "z"),
              ("X-Added", "own"), ("X-Static", "own")]
    received, _ = send(daemon, raw, fields)
    assert received.all("X-Internal-Secret") == ["s3cr3t-of-the-inside"]
    assert received.all("X-Static") == ["one value"] and received.all("X-Added") == ["own", "yes"]
    assert not received.all("X-Debug") and not received.all("Cookie2")


def test_response_fields_are_set_removed_and_added(daemon, raw):
    raw.handler = lambda received: answer(fields=[("Server", "tomcat"), ("X-Powered-By", "PHP"),
                                                  ("X-Served-By", "inner"),
                                                  ("x-frame-options", "ALLOW")])
    response = fetch(daemon.http, "GET", "/x")
    assert response.all("X-Served-By") == ["inner", "viaduct"] and response.all("X-Frame-Options") == ["DENY"]
    assert not response.all("Server") and not response.all("X-Powered-By")


def test_secret_is_in_no_log(daemon, raw):
    send(daemon, raw)
    assert "s3cr3t" not in daemon.access_text() and "s3cr3t" not in "\n".join(daemon.error_lines)
