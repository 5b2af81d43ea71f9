# SPDX-License-Identifier: Apache-2.0
"""nghttpx."""

import signal

from .peer import ENDLESS, FEATURES, IDLE_SECONDS, Peer


class Nghttpx(Peer):
    """It proxies only."""

    name = "nghttpx"
    package = "nghttp2-proxy"
    features = frozenset(FEATURES - {"static"})
    reload_signal = signal.SIGHUP
    notes = "writes each line of the log by a system call; sets fewer forwarded fields"

    def command(self, setting):
        routes = "".join(f"\nbackend=127.0.0.1,{setting.upstream};{prefix};proto=http/1.1"
                         for prefix in setting.routes)
        others = "".join(f"\nsubcert={site.key}:{site.certificate}" for site in setting.sites[1:])
        log = f"accesslog-file={setting.log}" if setting.logged else ""
        config = f"""
workers={setting.workers}
worker-frontend-connections={setting.connections}
frontend=127.0.0.1,{setting.plain_port};no-tls
frontend=127.0.0.1,{setting.tls_port}
backend=127.0.0.1,{setting.upstream};/;proto=http/1.1
backend=127.0.0.1,{setting.tls_upstream};/secure/;proto=http/1.1;tls{routes}
private-key-file={setting.sites[0].key}
certificate-file={setting.sites[0].certificate}{others}
tls-min-proto-version=TLSv1.2
insecure=yes
backlog=4096
backend-keep-alive-timeout=1m
backend-connections-per-frontend=0
frontend-max-requests={ENDLESS}
frontend-read-timeout={IDLE_SECONDS}s
frontend-keep-alive-timeout={IDLE_SECONDS}s
frontend-http2-read-timeout={IDLE_SECONDS}s
add-x-forwarded-for=yes
no-via=yes
no-ocsp=yes
add-response-header=Access-Control-Allow-Origin: {setting.allow_origin}
add-response-header=Vary: Origin
errorlog-file={setting.folder}/error.log
pid-file={setting.folder}/pid
{log}
"""
        return ["nghttpx", f"--conf={setting.write('nghttpx.conf', config)}"]
