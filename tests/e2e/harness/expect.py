# SPDX-License-Identifier: Apache-2.0
"""Comparisons that several files need: what must cross unchanged, and what Viaduct's own answers look like."""
import json
import re

# Fields that Viaduct sets on a proxied request, and those that end at each connection (RFC 9110 §7.6.1).
SET_BY_US = {"x-real-ip", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port",
             "x-request-id"}
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"}
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
ACCEPT_HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def carried(fields, *without):
    """The fields that cross: spelling, order and repetition as they are."""
    left_out = SET_BY_US | HOP_BY_HOP | {name.lower() for name in without}
    return [(name, value) for name, value in fields if name.lower() not in left_out]


class ExpectedRecords:
    """What the access log must say about many exchanges, looked up once at the end of a file: the log is written in
    batches, and waiting for each of hundreds of lines would cost minutes."""

    def __init__(self):
        self.expected = []

    def add(self, label, response, reasons):
        assert response.request_id, response.head
        self.expected.append((label, response.request_id, response.status, set(reasons)))

    def check(self, daemon):
        if self.expected:
            daemon.wait_record(self.expected[-1][1])
        for _, request_id, _, _ in self.expected:  # of other workers
            daemon.wait_for_text(request_id)
        records = {}
        for record in daemon.access_records():
            records.setdefault(record["request_id"], []).append((record["status"], record["reason"]))
        wrong = [(label, status, reasons, records[request_id])
                 for label, request_id, status, reasons in self.expected
                 if len(records[request_id]) != 1 or records[request_id][0][0] != status
                 or records[request_id][0][1] not in reasons]
        assert not wrong, "\n".join(map(str, wrong))


def assert_same_answer(proxied, direct):
    """The upstream's answer came back as it was: status line, fields, body (its Date may differ)."""
    assert (proxied.status, proxied.reason, proxied.body) == (direct.status, direct.reason, direct.body)
    assert carried(proxied.fields, "date") == carried(direct.fields, "date")
    assert proxied.framing == direct.framing


def assert_own_answer(response, status, inside=()):
    """An answer of Viaduct itself for a program: problem+json (RFC 9457) with the request id, nothing of `inside`."""
    assert response.status == status, response.head + response.body
    assert response.get("Content-Type").split(";")[0] == "application/problem+json", response.head
    problem = json.loads(response.body)
    assert problem["status"] == status and problem["title"], problem
    assert REQUEST_ID.fullmatch(response.request_id), response.head
    assert response.request_id in response.text()
    for text in ("127.0.0.1", *inside):
        assert text not in response.text(), f"{text} shows in {response.text()}"


def assert_own_page(response, status, inside=()):
    """The same for a browser: HTML."""
    assert response.status == status, response.head + response.body
    assert response.get("Content-Type").split(";")[0] == "text/html", response.head
    assert response.request_id and response.request_id in response.text()
    for text in ("127.0.0.1", *inside):
        assert text not in response.text(), f"{text} shows in {response.text()}"
