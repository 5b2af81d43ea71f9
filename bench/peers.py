# SPDX-License-Identifier: Apache-2.0
"""The proxies that bench/compare sets side by side, each configured for the same work.

All have one worker, keep connections to the same upstream, show the same certificate, set forwarded fields and write
an access log in the combined format. What differs is what a peer does not offer: h2o and nghttpx write each line of
the log by a system call of its own (nginx and Viaduct write batches), and they set fewer forwarded fields.
"""

import os
import shutil

# Above this no peer looks at a connection again: nginx and h2o's own limits would open new ones in the course.
ENDLESS = 1_000_000_000
IDLE_CONNECTIONS = 512  # more than requests that are under way at once, so that none is closed for want of a place


def write(path, text):
    with open(path, "w") as file:
        file.write(text)
    return path


class Bench:
    """What all peers share: the folder with certificate and logs, the upstream's port, and whether they log."""

    def __init__(self, folder, upstream, logged):
        self.folder, self.upstream, self.logged = folder, upstream, logged
        self.certificate, self.key = f"{folder}/cert.pem", f"{folder}/key.pem"

    def nginx_paths(self, name):
        """Where an nginx keeps what it would keep below /var."""
        paths = "".join(f"{kind}_temp_path {self.folder}/{name}-{kind};\n  "
                        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        return f"keepalive_requests {ENDLESS};\n  {paths}"


def nginx_main(bench, name):
    return f"""
worker_processes 1; daemon off; pid {bench.folder}/{name}.pid; error_log {bench.folder}/{name}.err;
events {{ worker_connections 4096; }}
"""


def upstream_command(bench, body):
    """The upstream: an nginx that answers `body`, /probe with what it saw, and /accepted with its connections."""
    probe = '"$http_x_forwarded_for|$http_x_forwarded_proto|$connection_requests"'
    config = nginx_main(bench, "upstream") + f"""
http {{ access_log off; {bench.nginx_paths("upstream")}
  server {{ listen 127.0.0.1:{bench.upstream} backlog=4096;
    location / {{ return 200 "{body}"; }} location = /probe {{ return 200 {probe}; }}
    location = /accepted {{ stub_status; }} }} }}
"""
    return ["nginx", "-c", write(f"{bench.folder}/upstream.conf", config)]


def nginx(bench, ports):
    log = f"{bench.folder}/nginx.log combined buffer=64k flush=1s" if bench.logged else "off"
    kinds = {"h1-get": "", "h1-get-tls": " ssl", "h2-get-tls": " ssl http2"}
    listens = " ".join(f"listen 127.0.0.1:{port}{kinds[scenario]} backlog=4096;" for scenario, port in ports.items())
    config = nginx_main(bench, "nginx") + f"""
http {{ access_log {log}; {bench.nginx_paths("nginx")}
  upstream app {{
    server 127.0.0.1:{bench.upstream}; keepalive {IDLE_CONNECTIONS}; keepalive_requests {ENDLESS}; }}
  server {{ {listens}
    ssl_certificate {bench.certificate}; ssl_certificate_key {bench.key}; ssl_protocols TLSv1.2 TLSv1.3;
    location / {{ proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $host; proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Request-ID $request_id;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $host; proxy_set_header X-Forwarded-Port $server_port; }} }} }}
"""
    return ["nginx", "-c", write(f"{bench.folder}/nginx.conf", config)]


def viaduct(bench, ports, binary):
    kinds = {"h1-get": "", "h1-get-tls": ", tls: true, http2: false", "h2-get-tls": ", tls: true"}
    listeners = "\n".join(f'  - {{ address: "127.0.0.1:{port}"{kinds[scenario]} }}'
                          for scenario, port in ports.items())
    log = f"{{ file: {bench.folder}/viaduct.log, format: combined }}" if bench.logged else "null"
    config = f"""
listeners:
{listeners}
upstreams:
  app:
    servers: ["http://127.0.0.1:{bench.upstream}"]
    keepalive: {{ max_idle: {IDLE_CONNECTIONS}, idle: 60s }}
sites:
  - hosts: [localhost]
    default: true
    tls: {{ cert: {bench.certificate}, key: {bench.key} }}
    routes:
      - {{ match: {{ prefix: / }}, upstream: app }}
logs:
  access: {log}
  error: {{ file: {bench.folder}/viaduct.err }}
process: {{ workers: 1 }}
"""
    return [binary, "run", "-c", write(f"{bench.folder}/viaduct.yaml", config)]


def h2o(bench, ports):
    """Its `neverbleed` signs in a process of its own, which counts; OCSP is off, as no peer does it here."""
    user = "user: root\n" if os.geteuid() == 0 else ""  # it would change to nobody, who may not write the log
    log = f"access-log: {{ path: {bench.folder}/h2o.log, format: '{H2O_COMBINED}' }}" if bench.logged else ""
    config = f"""
{user}num-threads: 1
pid-file: {bench.folder}/h2o.pid
error-log: {bench.folder}/h2o.err
max-connections: 4096
listen:
  host: 127.0.0.1
  port: {ports["h2-get-tls"]}
  ssl:
    certificate-file: {bench.certificate}
    key-file: {bench.key}
    minimum-version: TLSv1.2
    ocsp-update-interval: 0
hosts:
  default:
    paths:
      /:
        proxy.reverse.url: http://127.0.0.1:{bench.upstream}/
        proxy.preserve-host: ON
        proxy.timeout.keepalive: 60000
{log}
"""
    return ["h2o", "-c", write(f"{bench.folder}/h2o.conf", config)]


H2O_COMBINED = '%h %l %u %t "%r" %s %b "%{Referer}i" "%{User-agent}i"'


def nghttpx(bench, ports):
    log = [f"--accesslog-file={bench.folder}/nghttpx.log"] if bench.logged else []
    empty = write(f"{bench.folder}/nghttpx.conf", "")  # in the place of the one below /etc
    return ["nghttpx", f"--conf={empty}", "--workers=1", f"--frontend=127.0.0.1,{ports['h2-get-tls']}",
            f"--backend=127.0.0.1,{bench.upstream};;proto=http/1.1", "--backend-keep-alive-timeout=1m",
            "--backend-connections-per-frontend=0", f"--frontend-max-requests={ENDLESS}", "--add-x-forwarded-for",
            "--no-ocsp", "--no-via", f"--errorlog-file={bench.folder}/nghttpx.err",
            f"--pid-file={bench.folder}/nghttpx.pid", *log, bench.key, bench.certificate]


H1_PEERS, H2_PEERS = ("viaduct", "nginx"), ("viaduct", "nginx", "h2o", "nghttpx")
SCENARIOS = {"h1-get": H1_PEERS, "h1-get-tls": H1_PEERS, "h2-get-tls": H2_PEERS}


def command_of(name, bench, ports, binary):
    """The command line of one peer; `ports` holds the scenarios that it takes part in."""
    if name == "viaduct":
        return viaduct(bench, ports, binary)
    return {"nginx": nginx, "h2o": h2o, "nghttpx": nghttpx}[name](bench, ports)


def missing_programs(names, binary, scenarios):
    """What has to be installed or built first."""
    programs = {"nginx", "taskset", "curl", "openssl"} | {binary if name == "viaduct" else name for name in names}
    programs |= {"h2load" if scenario.startswith("h2") else "wrk" for scenario in scenarios}
    return sorted(program for program in programs if not shutil.which(program))
