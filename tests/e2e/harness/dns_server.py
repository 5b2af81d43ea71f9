# SPDX-License-Identifier: Apache-2.0
"""A name server on a free loopback port, over UDP and TCP, whose answers the test changes while it runs."""
import ipaddress
import socket
import struct
import threading

TYPES = {"A": 1, "CNAME": 5, "AAAA": 28, "SRV": 33}
SERVER_FAILURE, NO_SUCH_NAME = 2, 3  # RFC 1035 §4.1.1


def encode_name(name):
    labels = [label.encode() for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def encode_data(kind, words):
    if kind == "A":
        return ipaddress.IPv4Address(words[0]).packed
    if kind == "AAAA":
        return ipaddress.IPv6Address(words[0]).packed
    if kind == "SRV":
        return struct.pack("!3H", *map(int, words[:3])) + encode_name(words[3])
    return encode_name(words[0])


def decode_question(message):
    """(name, type, the bytes of the question)."""
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode())
        at += 1 + message[at]
    return ".".join(labels).lower(), struct.unpack_from("!H", message, at + 1)[0], message[12:at + 5]


class DnsServer:
    """`names[name]` is a list of "TTL TYPE DATA", in the form of master files; a name that is not there does not exist.
    A name in `failing` gets SERVFAIL, one in `silent` nothing at all."""

    def __init__(self):
        self.names, self.failing, self.silent = {}, set(), set()
        self.questions = []  # (name, type)
        self.stopping = False
        self.tcp = socket.socket()
        self.tcp.bind(("127.0.0.1", 0))
        self.tcp.listen(16)
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))
        self.address = f"127.0.0.1:{self.port}"
        for serve in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.stopping = True
        self.tcp.shutdown(socket.SHUT_RDWR)
        self.tcp.close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", ("127.0.0.1", self.port))

    def count(self, name, kind="A"):
        return self.questions.count((name, TYPES[kind]))

    def serve_udp(self):
        while not self.stopping:
            message, sender = self.udp.recvfrom(4096)
            reply = self.answer(message) if len(message) > 12 else None
            if reply:
                if len(reply) > 512:
                    reply = reply[:2] + b"\x83\x80" + reply[4:6] + b"\0" * 6 + decode_question(message)[2]
                self.udp.sendto(reply, sender)
        self.udp.close()

    def serve_tcp(self):
        while True:
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as stream:
                head = stream.read(2)
                reply = self.answer(stream.read(struct.unpack("!H", head)[0])) if len(head) == 2 else None
                if reply:
                    connection.sendall(struct.pack("!H", len(reply)) + reply)

    def answer(self, message):
        name, kind, question = decode_question(message)
        self.questions.append((name, kind))
        if name in self.silent:
            return None
        records = []
        for text in self.names.get(name, ()):
            ttl, word, *words = text.split()
            if TYPES[word] in (kind, TYPES["CNAME"]):
                data = encode_data(word, words)
                records.append(encode_name(name) + struct.pack("!2HIH", TYPES[word], 1, int(ttl), len(data)) + data)
        code = SERVER_FAILURE if name in self.failing else 0 if name in self.names else NO_SUCH_NAME
        if code:
            records = []
        return message[:2] + struct.pack("!5H", 0x8180 | code, 1, len(records), 0, 0) + question + b"".join(records)
