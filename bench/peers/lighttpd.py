# SPDX-License-Identifier: Apache-2.0
"""lighttpd."""

import signal

from .peer import FEATURES, IDLE_SECONDS, Peer


class Lighttpd(Peer):
    """Trap: this version opens a connection to the upstream for each request, which no setting changes; its proxied
    figures hold that work. It speaks no TLS to an upstream."""

    name = "lighttpd"
    package = "lighttpd"
    features = frozenset(FEATURES - {"tls-upstream"})
    reload_signal = signal.SIGUSR1
    keeps_upstream = False
    notes = "opens a connection to the upstream for each request"

    def command(self, setting):
        log = f'accesslog.filename = "{setting.log}"' if setting.logged else ""
        first = setting.sites[0]
        names = "".join(f"""
$HTTP["host"] == "{site.name}" {{ ssl.pemfile = "{site.certificate}" ssl.privkey = "{site.key}" }}"""
                        for site in setting.sites[1:])
        routes = "".join(f"""
$HTTP["url"] =^ "{prefix}" {{ {self._proxy(setting)} }}""" for prefix in setting.routes)
        workers = f"server.max-worker = {setting.workers}" if setting.workers > 1 else ""
        config = f"""
server.modules = ("mod_setenv", "mod_openssl", "mod_proxy", "mod_accesslog")
server.document-root = "{setting.www}"
server.bind = "127.0.0.1"
server.port = {setting.plain_port}
server.listen-backlog = 4096
server.errorlog = "{setting.folder}/error.log"
server.pid-file = "{setting.folder}/pid"
server.upload-dirs = ("{setting.folder}")
server.max-connections = {setting.connections}
server.max-fds = {2 * setting.connections}
server.max-keep-alive-requests = 65535
server.max-keep-alive-idle = {IDLE_SECONDS}
server.stream-request-body = 2
server.stream-response-body = 2
setenv.set-response-header = ("Access-Control-Allow-Origin" => "{setting.allow_origin}", "Vary" => "Origin")
mimetype.assign = ("" => "application/octet-stream")
{workers}
{log}
$SERVER["socket"] == "127.0.0.1:{setting.tls_port}" {{ ssl.engine = "enable" }}
ssl.pemfile = "{first.certificate}"
ssl.privkey = "{first.key}"
ssl.openssl.ssl-conf-cmd = ("MinProtocol" => "TLSv1.2")
{names}
$HTTP["url"] !~ "^/(static|route-)" {{ {self._proxy(setting)} }}{routes}
"""
        return ["lighttpd", "-D", "-f", setting.write("lighttpd.conf", config)]

    @staticmethod
    def _proxy(setting):
        return f'proxy.server = ("" => (("host" => "127.0.0.1", "port" => {setting.upstream})))'
