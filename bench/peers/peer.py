# SPDX-License-Identifier: Apache-2.0
"""What all peers share: their common work, and the face that a peer shows to the benchmark.

The common work: one worker; HTTP/1.1 with kept connections to the same upstream; TLS 1.2 and 1.3 with the same
certificate; the fields X-Forwarded-For and -Proto to the upstream; a CORS field on the answer; one line for each
request in an access log, in batches where the peer can.
"""

import dataclasses

# Above this no peer looks at a connection again: limits of requests on a connection would open new ones in the course.
ENDLESS = 1_000_000_000
# More than requests that are under way at once, so that no upstream connection is closed for want of a place.
IDLE_CONNECTIONS = 4096
# How long an idle client may stay, in seconds: longer than any measurement.
IDLE_SECONDS = 900

# What a scenario may ask of a peer.
FEATURES = {"plain", "tls", "h2", "tls-upstream", "static", "names"}


@dataclasses.dataclass(frozen=True)
class Site:
    """A host name with a certificate of its own."""

    name: str
    certificate: str
    key: str


@dataclasses.dataclass(frozen=True)
class Setting:
    """One peer's start: where it listens, what stands behind it, and how much it has to hold."""

    folder: str  # for its config, logs and sockets
    programs: str  # where bench_floor lies
    binary: str  # viaduct
    plain_port: int
    tls_port: int
    upstream: int
    tls_upstream: int
    www: str  # holds static/1k and static/100k
    sites: tuple  # of Site; the first takes unknown names, too
    route_count: int = 0  # prefixes /route-0/ and so on, beside the three that all have
    workers: int = 1
    connections: int = 8192  # clients and upstream connections together
    logged: bool = True
    allow_origin: str = "https://app.example"  # changes with a reload, by which it is seen to be done
    scenario: object = None  # for the floor, which is another program in each

    def write(self, name, text):
        """Writes a file into the folder; returns its path."""
        path = f"{self.folder}/{name}"
        with open(path, "w") as file:
            file.write(text)
        return path

    @property
    def log(self):
        """The access log."""
        return f"{self.folder}/access.log"

    @property
    def routes(self):
        """The prefixes of the growing number of routes."""
        return [f"/route-{number}/" for number in range(self.route_count)]


class Peer:
    """One proxy. A subclass writes its config in command() and says here what it can."""

    name = ""
    package = ""  # of Debian; empty for what is built here
    features = frozenset()
    environment = {}
    reload_signal = None  # that makes it read its config again, None where it cannot
    keeps_upstream = True  # connections to the upstream are used again
    forwards = True  # sets the fields, logs, and answers with the CORS field; all but the floor
    notes = ""  # what differs from the common work, for the report

    def command(self, setting):
        """Writes the config of `setting`; returns the command line, which stays in the foreground."""
        raise NotImplementedError

    def log(self, setting):
        """The access log that it writes."""
        return setting.log
