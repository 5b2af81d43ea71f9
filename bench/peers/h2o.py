# SPDX-License-Identifier: Apache-2.0
"""h2o."""

import os

from .peer import FEATURES, IDLE_SECONDS, Peer

COMBINED = '%h %l %u %t "%r" %s %b "%{Referer}i" "%{User-agent}i"'


class H2o(Peer):
    """Trap: its `neverbleed` signs in a process of its own, which belongs to the tree that is measured. It reloads by
    another program alone (start_server), so it takes no part in reloads."""

    name = "h2o"
    package = "h2o"
    features = frozenset(FEATURES)
    notes = "writes each line of the log by a system call; sets fewer forwarded fields"

    def command(self, setting):
        user = "user: root\n" if os.geteuid() == 0 else ""  # it would change to nobody, who may not write the log
        log = f"access-log: {{ path: {setting.log}, format: '{COMBINED}' }}" if setting.logged else ""
        config = f"""
{user}num-threads: {setting.workers}
pid-file: {setting.folder}/pid
error-log: {setting.folder}/error.log
max-connections: {setting.connections}
limit-request-body: 1073741824
http1-request-timeout: {IDLE_SECONDS}
http2-idle-timeout: {IDLE_SECONDS}
proxy.timeout.keepalive: 60000
proxy.preserve-host: ON
proxy.ssl.verify-peer: OFF
header.set: "Access-Control-Allow-Origin: {setting.allow_origin}"
header.add: "Vary: Origin"
{log}
listen: {{ host: 127.0.0.1, port: {setting.plain_port} }}
hosts:{"".join(self._host(setting, site, number == 0) for number, site in enumerate(setting.sites))}
"""
        return ["h2o", "-c", setting.write("h2o.conf", config)]

    @staticmethod
    def _host(setting, site, is_first):
        proxied = ["/", *(setting.routes if is_first else [])]
        routes = "".join(f"\n      {path}: {{ proxy.reverse.url: 'http://127.0.0.1:{setting.upstream}{path}' }}"
                         for path in proxied)
        return f"""
  "{site.name}":
    listen:
      host: 127.0.0.1
      port: {setting.tls_port}
      ssl: {{ certificate-file: {site.certificate}, key-file: {site.key}, minimum-version: TLSv1.2,
             ocsp-update-interval: 0 }}
    paths:
      /static/: {{ file.dir: {setting.www}/static/ }}
      /secure/: {{ proxy.reverse.url: 'https://127.0.0.1:{setting.tls_upstream}/secure/' }}{routes}"""
