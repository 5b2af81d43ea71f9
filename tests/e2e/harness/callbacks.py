# SPDX-License-Identifier: Apache-2.0
"""Callback routes: the platforms' forms of failure, and clients that can tell an answer from none."""
import re
import subprocess
import tempfile
from pathlib import Path

from .client import HOST, RawClient, build_request
from .waiting import DEADLINE, wait_until
from .wire import HEAD_END, Ended, Response, split_head

PROVIDERS = ["wechat_pay_v3", "wechat_pay_v2", "wechat_push", "alipay", "generic"]
CLIENTS = ["curl-1.1", "curl-2", "raw-1.0"]
UNANSWERED = 444
# curl's exit codes for a connection, or a stream, that ends without an answer.
CURL_GOT_NOTHING = {52, 56, 92}


def failure_form(provider, sentence):
    """Status, Content-Type and body; None where there is no answer at all."""
    if provider in ("wechat_pay_v3", "generic"):
        return 500, "application/json", f'{{"code":"FAIL","message":"{sentence}"}}'.encode()
    if provider == "wechat_pay_v2":
        xml = f"<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[{sentence}]]></return_msg></xml>"
        return 200, "text/xml", xml.encode()
    if provider == "alipay":
        return 200, "text/plain", b"fail"
    return None


def assert_failure_form(response, provider, sentence):
    form = failure_form(provider, sentence)
    if form is None:
        assert response is None, response.head + response.body
        return
    assert response is not None, "no answer"
    assert (response.status, response.get("Content-Type"), response.body) == form, response.head + response.body
    assert response.get("Content-Length") == str(len(form[2])), response.head


def post(daemon, client, target, body, ca_file):
    """Sends one notice by a real client; the answer, or None where the connection or stream ended without one."""
    if client == "raw-1.0":
        return post_raw(daemon, target, body)
    listener = daemon.https
    version = "--http2" if client == "curl-2" else "--http1.1"
    with tempfile.TemporaryDirectory(prefix="viaduct-curl-") as directory:
        head_file, body_file = Path(directory) / "head", Path(directory) / "body"
        command = ["curl", "-sS", version, "--max-time", str(3 * DEADLINE), "-D", str(head_file), "-o", str(body_file),
                   "--cacert", str(ca_file), "--resolve", f"{HOST}:{listener.port}:127.0.0.1", "-A", "Mozilla/4.0",
                   "-H", "Content-Type: application/json", "-H", "Expect:", "--data-binary", "@-",
                   f"https://{HOST}:{listener.port}{target}"]
        done = subprocess.run(command, capture_output=True, input=body, timeout=4 * DEADLINE)
        head = head_file.read_bytes() if head_file.exists() else b""
        content = body_file.read_bytes() if body_file.exists() else b""
    if done.returncode in CURL_GOT_NOTHING and not head:
        return None
    assert done.returncode == 0, f"curl: exit {done.returncode}: {done.stderr.decode()} {head}"
    start, fields = split_head(head[:head.index(HEAD_END) + len(HEAD_END)])
    version_text, _, rest = start.partition(" ")
    status, _, reason = rest.partition(" ")
    return Response(version_text, int(status), reason, fields, head, content)


def post_raw(daemon, target, body):
    """As an Official Account does: HTTP/1.0, without TLS."""
    with RawClient(daemon.http.port) as client:
        client.send(build_request("POST", target, [("User-Agent", "Mozilla/4.0")], body, version="HTTP/1.0"))
        try:
            response = client.read_response()
        except Ended:
            assert not client.reader.buffer, client.reader.buffer
            return None
        assert client.at_end()
        return response


def late_lines(daemon, request_id):
    return [line for line in daemon.error_lines if re.search(r"\blate\b", line) and request_id in line]


def wait_late(daemon, request_id):
    """The one line that says what became of a callback without its client."""
    lines = wait_until(lambda: late_lines(daemon, request_id), lambda: f"a late line:\n{daemon.error_text()}")
    assert len(lines) == 1, lines
    return lines[0]


__all__ = ["CLIENTS", "PROVIDERS", "UNANSWERED", "assert_failure_form", "failure_form", "late_lines", "post",
           "post_raw", "wait_late"]
