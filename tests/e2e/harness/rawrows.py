# SPDX-License-Identifier: Apache-2.0
"""Rows of raw requests: what a client sends, the statuses that it may get, and the requests that the upstream must see
of it. harness/raw_*.py hold the rows, one file a subject; test_raw_requests.py runs them, whole and byte by byte."""
from dataclasses import dataclass, field

from .client import HOST

NAME = HOST.encode()
HOST_LINE = b"Host: " + NAME
HIDDEN = b"GET /hidden HTTP/1.1\r\n" + HOST_LINE + b"\r\n\r\n"
ABSENT = None


@dataclass(frozen=True)
class Seen:
    """One request at the upstream. `fields` maps a name to its values in order, or to ABSENT; `trailers` likewise."""

    method: str
    target: bytes
    body: bytes = b""
    fields: dict = field(default_factory=dict)
    trailers: tuple = ()


@dataclass(frozen=True)
class Row:
    """`statuses`: of the answers in their order; a set where several will do. `ends`: whether the connection must be
    over behind them (None: it may be, and serves a further request well if it is not). `may_close_at`: the number of an
    answer, from 0, that may say that it is the last one: it may have been given before the rest of its request came.
    `methods`: of the requests, as an answer to HEAD has no body."""

    name: str
    data: bytes
    statuses: tuple
    seen: tuple = ()
    reasons: frozenset = frozenset()
    ends: bool = None
    may_close_at: int = None
    methods: tuple = ()
    listener: str = "http"

    def __str__(self):
        return self.name


def message(line, *fields, body=b"", host=HOST_LINE):
    """A request; `fields` are raw lines without their CRLF."""
    lines = [line] + ([host] if host else []) + list(fields)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def get(target=b"/x", *fields, method=b"GET", version=b"HTTP/1.1", **more):
    return message(b" ".join([method, target, version]), *fields, **more)


def post(*fields, body=b"", target=b"/x", method=b"POST", version=b"HTTP/1.1"):
    return get(target, *fields, method=method, version=version, body=body)


def chunked(body, *fields, target=b"/x"):
    return post(b"Transfer-Encoding: chunked", *fields, body=body, target=target)


def passes(name, data, *seen, **more):
    """Every request of the row is answered by the upstream."""
    return Row(name, data, tuple(200 for _ in seen), seen, ends=more.pop("ends", False), **more)


def refused(name, data, status, *reasons, **more):
    """The only request of the row is refused and arrives nowhere."""
    return Row(name, data, (status,), (), frozenset(reasons), **more)


def seen_get(target=b"/x", **more):
    return Seen("GET", target, **more)


def seen_post(body, target=b"/x", **more):
    return Seen("POST", target, body, **more)
