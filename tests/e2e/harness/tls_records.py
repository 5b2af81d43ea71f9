# SPDX-License-Identifier: Apache-2.0
"""A client of TLS 1.2 that seals records of its own making, such as no library sends."""
import hmac
import socket
import ssl
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from harness.client import HOST, insecure_context
from harness.waiting import DEADLINE

ALERT, HANDSHAKE, APPLICATION_DATA = 21, 22, 23
CLIENT_HELLO = b"\x01\0\0\0"  # without content: it asks for a renegotiation as well as a whole one
CIPHERS = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"  # of the same keys
KEY_BLOCK_BYTES = 40  # two keys of 16, two halves of an IV of 4


def expand(secret, label, seed, size):
    """The PRF of TLS 1.2 (RFC 5246 §5)."""
    seed = label + seed
    block, out = seed, b""
    while len(out) < size:
        block = hmac.digest(secret, block, "sha256")
        out += hmac.digest(secret, block + seed, "sha256")
    return out[:size]


class RecordClient:
    """Connected and shaken hands with; `keylog` is a file of its own."""

    def __init__(self, port, keylog, name=HOST):
        version = ssl.TLSVersion.TLSv1_2
        context = insecure_context(minimum=version, maximum=version, ciphers=CIPHERS)
        context.keylog_filename = str(keylog)
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name)
        flight = self.shake_hands()
        server_random = flight[11:43]  # behind the heads of record and message, and the version
        row = [line.split() for line in keylog.read_text().splitlines() if line.startswith("CLIENT_RANDOM")][-1]
        client_random, master_secret = bytes.fromhex(row[1]), bytes.fromhex(row[2])
        keys = expand(master_secret, b"key expansion", server_random + client_random, KEY_BLOCK_BYTES)
        self.cipher, self.salt = AESGCM(keys[:16]), keys[32:36]
        self.sent = 1  # records under these keys: our Finished
        self.stream = self.sock.makefile("rb")

    def shake_hands(self):
        received = b""
        while True:
            try:
                self.tls.do_handshake()
                self.sock.sendall(self.outgoing.read())
                return received
            except ssl.SSLWantReadError:
                self.sock.sendall(self.outgoing.read())
                part = self.sock.recv(65536)
                received += part
                self.incoming.write(part)

    def seal(self, kind, content):
        """The next record (RFC 5246 §6.2.3.3)."""
        number = struct.pack(">Q", self.sent)
        self.sent += 1
        extra = number + struct.pack(">BHH", kind, 0x0303, len(content))
        sealed = number + self.cipher.encrypt(self.salt + number, content, extra)
        return struct.pack(">BHH", kind, 0x0303, len(sealed)) + sealed

    def send(self, *records):
        self.sock.sendall(b"".join(records))

    def receive(self):
        """The kind of the next record, whose content is left alone; None where the connection has ended."""
        try:
            head = self.stream.read(5)
        except ConnectionResetError:
            return None
        if len(head) < 5:
            return None
        kind, _, size = struct.unpack(">BHH", head)
        self.stream.read(size)
        return kind

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.sock.close()
