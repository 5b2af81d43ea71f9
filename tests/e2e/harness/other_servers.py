# SPDX-License-Identifier: Apache-2.0
"""Two servers by other hands, node:http and nginx, that report each request as they have read it: judges of what
Viaduct forwards."""
import hashlib
import json
import shutil
import socket
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from .waiting import wait_until

REPORTER = Path(__file__).with_name("reporter.js")
NGINX_CONFIG = """
daemon off; master_process off; pid {place}/nginx.pid; error_log {place}/error.log error;
events {{ worker_connections 512; }}
http {{
  client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/fastcgi;
  uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi; server_tokens off;
  client_max_body_size 64m; client_body_buffer_size 4m; client_header_buffer_size 64k;
  large_client_header_buffers 8 64k; keepalive_requests 1000000; keepalive_timeout 120s; merge_slashes off;
  underscores_in_headers on;
  log_format report escape=json '{{"line":"$request","body":"$request_body","host":"$host","status":$status,'
                                '"connection":$connection,"number":$connection_requests}}';
  server {{
    listen 127.0.0.1:{port}; access_log {place}/access.log report;
    location / {{ proxy_pass http://127.0.0.1:{inner}; }}
  }}
  server {{ listen 127.0.0.1:{inner}; access_log off; location / {{ return 200 ok; }} }}
}}
"""


@dataclass(frozen=True)
class Reported:
    """One request as a server has read it; `body` is the SHA-256 of its content, None where it was not read, as nginx
    refuses some targets and methods. llhttp takes no bytes above 127 in a target and no method that it does not know,
    which HTTP/2 may bring: then all three are None."""

    method: str
    target: str
    body: str
    connection: int
    number: int


def find_program(name):
    """A missing program is a failure, not a skip: scripts/install-packages test."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin")
    if path is None:
        pytest.fail(f"no {name}: scripts/install-packages test", pytrace=False)
    return path


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class NodeServer:
    def __init__(self):
        self.lines = []
        self.process = subprocess.Popen([find_program("node"), str(REPORTER)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, text=True, encoding="utf-8")
        threading.Thread(target=self.read, daemon=True).start()
        wait_until(lambda: self.lines, "the port of node")
        self.url = f"http://127.0.0.1:{self.lines.pop(0)['port']}"

    def read(self):
        for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def reported(self, start):
        """The requests from number `start` on. AssertionError where something could not be read at all."""
        return [self.parse(one) for one in self.lines[start:]]

    @staticmethod
    def parse(one):
        if "error" in one:
            assert one["error"] in ("HPE_INVALID_URL", "HPE_INVALID_METHOD"), one
            return Reported(None, None, None, one["connection"], 0)
        return Reported(one["method"], one["target"], one["body"], one["connection"], one["number"])

    def count(self):
        return len(self.lines)

    def stop(self):
        self.process.kill()
        self.process.wait()


class NginxServer:
    def __init__(self, place):
        self.place = Path(place)
        self.place.mkdir()
        port = free_port()
        config = self.place / "nginx.conf"
        config.write_text(NGINX_CONFIG.format(place=self.place, port=port, inner=free_port()))
        self.process = subprocess.Popen([find_program("nginx"), "-p", str(self.place), "-c", str(config)],
                                        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.url = f"http://127.0.0.1:{port}"
        wait_until(lambda: self.is_listening(port), "nginx to listen")

    @staticmethod
    def is_listening(port):
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", port)) == 0

    def lines(self):
        log = self.place / "access.log"
        text = log.read_bytes().decode("latin-1") if log.exists() else ""
        return text.split("\n")[:-1]

    def count(self):
        return len(self.lines())

    def reported(self, start):
        return [self.parse(json.loads(line, strict=False)) for line in self.lines()[start:]]

    @staticmethod
    def parse(one):
        """nginx reads no body of a request that it refuses for its target or method, with 400 or 405."""
        method, target, version = one["line"].split(" ")
        assert version == "HTTP/1.1" and one["status"] in (200, 400, 405), one
        body = hashlib.sha256(one["body"].encode("latin-1")).hexdigest() if one["status"] == 200 else None
        return Reported(method, target, body, one["connection"], one["number"])

    def stop(self):
        self.process.terminate()
        self.process.wait()
