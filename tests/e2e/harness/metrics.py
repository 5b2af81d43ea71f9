# SPDX-License-Identifier: Apache-2.0
"""What the health listener of a daemon tells. The config says `admin: { health: "127.0.0.1:0" }`."""
import re

from prometheus_client.parser import text_string_to_metric_families

from .client import fetch
from .daemon import Listener


def health_listener(daemon):
    lines = [line for line in daemon.error_lines if "health_listening address=" in line]
    return Listener(re.search(r"address=(\S+)", lines[-1])[1], False)


def metrics(daemon):
    """{(name, labels as sorted pairs): value}."""
    text = fetch(health_listener(daemon), "GET", "/metrics").body.decode()
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text) for sample in family.samples}


def value(daemon, name, **labels):
    """None where there is no such row."""
    return metrics(daemon).get((name, tuple(sorted(labels.items()))))


def handshake_failures(daemon, reason):
    return int(value(daemon, "viaduct_tls_handshake_failures_total", reason=reason))


def refusals(daemon, reason):
    return int(value(daemon, "viaduct_refusals_total", reason=reason))
