# SPDX-License-Identifier: Apache-2.0
"""nginx."""

import signal

from .peer import ENDLESS, FEATURES, IDLE_CONNECTIONS, IDLE_SECONDS, Peer


class Nginx(Peer):
    """Traps: `keepalive_requests` closes connections on both sides after 1,000 requests, and without `buffer` each log
    line is a system call; both are set. Bodies pass unbuffered, as everywhere else."""

    name = "nginx"
    package = "nginx-light"
    features = frozenset(FEATURES)
    reload_signal = signal.SIGHUP

    def command(self, setting):
        access = f"{setting.log} combined buffer=64k flush=1s" if setting.logged else "off"
        paths = "".join(f"{kind}_temp_path {setting.folder}/{kind};\n  "
                        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        config = f"""
worker_processes {setting.workers}; daemon off; pid {setting.folder}/pid; error_log {setting.folder}/error.log;
events {{ worker_connections {setting.connections}; }}
http {{
  access_log {access}; {paths}
  server_names_hash_max_size 65536; server_names_hash_bucket_size 128;
  keepalive_requests {ENDLESS}; keepalive_timeout {IDLE_SECONDS}s; client_max_body_size 0; sendfile on;
  ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:tls:10m;
  add_header Access-Control-Allow-Origin "{setting.allow_origin}"; add_header Vary Origin;
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_request_buffering off;
  proxy_set_header Host $host; proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Request-ID $request_id;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Host $host; proxy_set_header X-Forwarded-Port $server_port;
  {self._upstream("app", setting.upstream)}
  {self._upstream("secure", setting.tls_upstream)}
  {"".join(self._server(setting, site, number == 0) for number, site in enumerate(setting.sites))}
}}
"""
        return ["nginx", "-e", f"{setting.folder}/error.log", "-c", setting.write("nginx.conf", config)]

    @staticmethod
    def _upstream(name, port):
        return (f"upstream {name} {{ server 127.0.0.1:{port}; keepalive {IDLE_CONNECTIONS}; "
                f"keepalive_requests {ENDLESS}; }}")

    @staticmethod
    def _server(setting, site, is_first):
        options = " default_server backlog=4096" if is_first else ""
        routes = "".join(f"\n    location {prefix} {{ proxy_pass http://app; }}"
                         for prefix in (setting.routes if is_first else []))
        return f"""
  server {{
    listen 127.0.0.1:{setting.plain_port}{options}; listen 127.0.0.1:{setting.tls_port} ssl http2{options};
    server_name {site.name}; ssl_certificate {site.certificate}; ssl_certificate_key {site.key};
    location /static/ {{ root {setting.www}; }}
    location /secure/ {{ proxy_pass https://secure; }}
    location / {{ proxy_pass http://app; }}{routes}
  }}"""
