# SPDX-License-Identifier: Apache-2.0
"""What is measured: one row for each scenario. A new scenario is a new row."""

import dataclasses

KIB, MIB = 1024, 1024 * 1024
RSA_NAME = "rsa.localhost"


@dataclasses.dataclass(frozen=True)
class Scenario:
    """One kind of load. `load` is "requests" (each connection sends when it has its answer), "rate" (requests at a
    fixed rate), "handshakes" (a connection for each request) or "idle" (connections that are only held)."""

    name: str
    what: str  # for the report
    load: str = "requests"
    tls: bool = True
    h2: bool = False
    needs: frozenset = frozenset()  # features of a peer, beside plain or tls
    path: str = "/"
    body_bytes: int = 0  # more than none: a POST
    connections: int = 32
    streams: int = 1  # at once on a connection
    transfer_bytes: int = 0  # where requests are few and long, they are counted in these
    server_name: str = "localhost"
    tls_version: str = ""  # one alone, or empty for the best of both sides
    resumes: bool = False
    rate: int = 0  # requests a second
    floor_answer_bytes: int = 0  # the floor answers from memory instead of passing bytes on

    @property
    def features(self):
        """All that a peer must be able to do."""
        return self.needs | {"tls" if self.tls else "plain"} | ({"h2"} if self.h2 else set())


def handshakes(name, what, **more):
    """A connection, a handshake and one proxied GET for each request, 32 at once."""
    return Scenario(name, f"{what}, one GET, close", load="handshakes", **more)


def static(name, size, **more):
    """A file over TLS; the floor answers as many bytes from memory."""
    return Scenario(name, f"a file of {size // KIB} KiB over TLS", needs=frozenset({"static"}),
                    path=f"/static/{size // KIB}k", floor_answer_bytes=size, **more)


def idle(name, count):
    """TLS connections that have had one answer. The floor answers from memory, so that it holds no upstream
    connections for them."""
    return Scenario(name, f"{count:,} TLS connections that wait", load="idle", connections=count,
                    floor_answer_bytes=KIB)


SCENARIOS = {scenario.name: scenario for scenario in (
    Scenario("h1-get", "GET of 1 KiB over HTTP/1.1 without TLS", tls=False),
    Scenario("h1-tls-get", "GET of 1 KiB over HTTP/1.1 with TLS"),
    Scenario("h1-tls-post", "POST of 1.5 KB of XML over TLS", body_bytes=1536),
    Scenario("h1-tls-to-tls", "GET of 1 KiB, TLS on both sides", needs=frozenset({"tls-upstream"}), path="/secure/"),
    Scenario("h2-tls-get", "GET of 1 KiB over HTTP/2, 8 connections with 32 streams", h2=True, connections=8,
             streams=32),
    handshakes("handshake-13", "full TLS 1.3 handshake, ECDSA", tls_version="1.3"),
    handshakes("handshake-12", "full TLS 1.2 handshake, ECDSA", tls_version="1.2"),
    handshakes("handshake-rsa", "full TLS 1.3 handshake, RSA 2048", tls_version="1.3", server_name=RSA_NAME,
               needs=frozenset({"names"})),
    handshakes("resumed-13", "TLS 1.3 handshake by ticket", tls_version="1.3", resumes=True),
    handshakes("resumed-12", "TLS 1.2 handshake by ticket", tls_version="1.2", resumes=True),
    static("static-1k", KIB),
    static("static-100k", 100 * KIB),
    Scenario("download", "10 MiB from the upstream over TLS", path="/download", connections=4,
             transfer_bytes=10 * MIB),
    Scenario("upload", "10 MiB to the upstream over TLS", body_bytes=10 * MIB, connections=4,
             transfer_bytes=10 * MIB),
    Scenario("active-2000", "2,000 connections that all ask, over TLS", connections=2000),
    Scenario("latency", "1,000 requests a second over TLS", load="rate", rate=1000),
    idle("idle-5000", 5000),
    idle("idle-20000", 20000),
)}
