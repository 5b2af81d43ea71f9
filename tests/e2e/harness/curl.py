# SPDX-License-Identifier: Apache-2.0
"""curl as the client: what operators and documentation use."""
import subprocess
import tempfile
from pathlib import Path

from .client import HOST
from .waiting import DEADLINE
from .wire import HEAD_END, Response, split_head


class Curl:
    """Runs curl so that `host` names the loopback listeners of `daemon` and its certificate is verified."""

    def __init__(self, daemon, ca_file, host=HOST):
        self.daemon, self.ca_file, self.host = daemon, ca_file, host

    def protocol(self, listener):
        """The option that chooses the HTTP version."""
        return "--http1.1"

    def url(self, target, listener=None):
        listener = listener or self.daemon.https
        return f"{'https' if listener.tls else 'http'}://{self.host}:{listener.port}{target}"

    def __call__(self, target, *options, listener=None, stdin=None, discard=False):
        """Runs curl on `target` with further `options`. Returns the final response; with `discard` its body is not
        kept, but its size is on `response.size`."""
        listener = listener or self.daemon.https
        with tempfile.TemporaryDirectory(prefix="viaduct-curl-") as directory:
            head_file, body_file = Path(directory) / "head", Path(directory) / "body"
            command = ["curl", "-sS", self.protocol(listener), "--path-as-is", "--max-time", str(6 * DEADLINE), "-D",
                       str(head_file),
                       "-o", str(body_file), "--cacert", str(self.ca_file),
                       "--resolve", f"{self.host}:{listener.port}:127.0.0.1", *options, self.url(target, listener)]
            done = subprocess.run(command, capture_output=True, input=stdin, timeout=8 * DEADLINE)
            assert done.returncode == 0, f"curl: exit {done.returncode}: {done.stderr.decode()}\n{' '.join(command)}"
            heads = [head + HEAD_END for head in head_file.read_bytes().split(HEAD_END) if head]
            body = body_file.read_bytes() if body_file.exists() else b""
        start, fields = split_head(heads[-1])
        version, _, rest = start.partition(" ")
        status, _, reason = rest.partition(" ")
        return Response(version, int(status), reason, fields, heads[-1], body)


class H2Curl(Curl):
    """curl that asks for HTTP/2 by ALPN, and without TLS speaks it from the start."""

    def protocol(self, listener):
        return "--http2" if listener.tls else "--http2-prior-knowledge"


def notice_options(notice):
    """curl options that send a notice: its method, fields and body bytes (from standard input)."""
    options = ["-X", notice.method, "-A", "Mozilla/4.0"]
    for name, value in (("Cache-Control", "no-cache"), ("Pragma", "no-cache"), *notice.fields):
        options += ["-H", f"{name}: {value}"]
    if notice.body is not None:
        options += ["--data-binary", "@-"]
    return options
