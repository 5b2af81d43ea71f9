# SPDX-License-Identifier: Apache-2.0
"""HAProxy."""

import signal

from .peer import FEATURES, IDLE_SECONDS, Peer


class Haproxy(Peer):
    """It has no files to serve, and no log of its own: each line is a system call to standard output, a file here."""

    name = "haproxy"
    package = "haproxy"
    features = frozenset(FEATURES - {"static"})
    reload_signal = signal.SIGUSR2
    notes = "writes each line of the log by a system call"

    def command(self, setting):
        certificates = setting.write("certificates.txt", "".join(
            f"{self._pem(setting, site)} {'' if number == 0 else site.name}\n"
            for number, site in enumerate(setting.sites)))
        # A map is how its manual tells many routes apart; rules of their own would be tried one after another.
        routes = setting.write("routes.map", "".join(f"{prefix} app\n" for prefix in setting.routes))
        log = "log stdout format raw local0" if setting.logged else ""
        config = f"""
global
  nbthread {setting.workers}
  maxconn {setting.connections}
  stats socket {setting.folder}/socket level admin
  ssl-default-bind-options ssl-min-ver TLSv1.2
  {log}
defaults
  mode http
  log global
  option httplog
  http-reuse always
  timeout connect 5s
  timeout client {IDLE_SECONDS}s
  timeout server 60s
  timeout http-keep-alive {IDLE_SECONDS}s
frontend all
  bind 127.0.0.1:{setting.plain_port} backlog 4096
  bind 127.0.0.1:{setting.tls_port} backlog 4096 ssl crt-list {certificates} alpn h2,http/1.1
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Real-IP %[src]
  http-request set-header X-Request-ID %[uuid]
  http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Port %[dst_port]
  http-response set-header Access-Control-Allow-Origin "{setting.allow_origin}"
  http-response add-header Vary Origin
  use_backend secure if {{ path_beg /secure/ }}
  use_backend %[path,map_beg({routes},app)]
backend app
  server app 127.0.0.1:{setting.upstream}
backend secure
  server secure 127.0.0.1:{setting.tls_upstream} ssl verify none
"""
        return ["haproxy", "-W", "-db", "-f", setting.write("haproxy.cfg", config)]

    def log(self, setting):
        return f"{setting.folder}/output.log"

    @staticmethod
    def _pem(setting, site):
        """Certificate and key in one file."""
        with open(site.certificate) as certificate, open(site.key) as key:
            return setting.write(f"{site.name}.pem", certificate.read() + key.read())
