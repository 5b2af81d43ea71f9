# SPDX-License-Identifier: Apache-2.0
"""Viaduct."""

import signal

from .peer import FEATURES, IDLE_CONNECTIONS, IDLE_SECONDS, Peer


SITES_A_FILE = 500  # a file may have 1 MiB


class Viaduct(Peer):
    """The binary that is asked for, with its own defaults but for limits that a benchmark would meet."""

    features = frozenset(FEATURES)
    reload_signal = signal.SIGHUP
    notes = "has two prefixes to a route where routes grow"

    def __init__(self, name="viaduct", binary=""):
        """`binary` instead of the setting's."""
        self.name, self.binary = name, binary

    def command(self, setting):
        for number in range(0, len(setting.sites), SITES_A_FILE):
            sites = "".join(self._site(setting, site, site == setting.sites[0])
                            for site in setting.sites[number:number + SITES_A_FILE])
            setting.write(f"sites-{number}.yaml", f"sites:{sites}\n")
        access = f"{{ file: {setting.log}, format: combined }}" if setting.logged else "null"
        config = f"""
include: [sites-*.yaml]
listeners:
  - {{ address: "127.0.0.1:{setting.plain_port}" }}
  - {{ address: "127.0.0.1:{setting.tls_port}", tls: true }}
client: {{ idle_timeout: {IDLE_SECONDS}s, max_connections: {setting.connections} }}
defaults:
  cors: {{ allow_origins: ["{setting.allow_origin}"] }}
upstreams:
  app: {self._upstream(f"http://127.0.0.1:{setting.upstream}")}
  secure: {self._upstream(f"https://127.0.0.1:{setting.tls_upstream}", setting.sites[0].certificate)}
logs:
  access: {access}
  error: {{ file: {setting.folder}/error.log }}
process: {{ workers: {setting.workers}, core_dumps: true }}
"""
        return [self.binary or setting.binary, "run", "-c", setting.write("viaduct.yaml", config)]

    @staticmethod
    def _upstream(url, authority=""):
        tls = f", tls: {{ ca: {authority}, sni: localhost }}" if authority else ""
        return (f'{{ servers: ["{url}"], keepalive: {{ max_idle: {IDLE_CONNECTIONS}, idle: 60s }}, '
                f"max_connections: {IDLE_CONNECTIONS}{tls} }}")

    @staticmethod
    def _site(setting, site, is_first):
        prefixes = setting.routes if is_first else []
        # Two to a route: a file may have 50,000 values, and a site stands in one file.
        pairs = [", ".join(prefixes[number:number + 2]) for number in range(0, len(prefixes), 2)]
        routes = "".join(f"\n      - {{ match: {{ prefix: [{pair}] }}, upstream: app }}" for pair in pairs)
        return f"""
  - hosts: [{site.name}]
    default: {"true" if is_first else "false"}
    tls: {{ cert: {site.certificate}, key: {site.key} }}
    routes:
      - {{ match: {{ prefix: /static/ }}, static: {{ root: {setting.www} }} }}
      - {{ match: {{ prefix: /secure/ }}, upstream: secure }}
      - {{ match: {{ prefix: / }}, upstream: app, body_limit: 100m }}{routes}"""
