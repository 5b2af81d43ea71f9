# SPDX-License-Identifier: Apache-2.0
"""Plays systemd for a daemon: hears what it says in NOTIFY_SOCKET, keeps the descriptors that it stores as sd_notify(3)
says, and gives them to the next one as sd_listen_fds(3) says."""
import os
import queue
import socket
import sys
import threading

from .waiting import DEADLINE, wait_until

# Runs the command behind NAMES with the descriptors before it as 3, 4, …: GIVE NAMES DESCRIPTOR… -- COMMAND…
GIVE = """
import fcntl, os, sys
end = sys.argv.index("--")
given = [fcntl.fcntl(int(one), fcntl.F_DUPFD, 1000) for one in sys.argv[2:end]]
for number, descriptor in enumerate(given):
    os.dup2(descriptor, 3 + number, inheritable=True)
    os.close(descriptor)
os.closerange(3 + len(given), 1000)
os.environ.update(LISTEN_FDS=str(len(given)), LISTEN_FDNAMES=sys.argv[1], LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[end + 1], sys.argv[end + 1:])
"""
DESCRIPTORS_MAX = 253


def giving(named):
    """The wrapper that gives (name, descriptor) pairs to what it runs."""
    names = ":".join(name for name, _ in named)
    return [sys.executable, "-c", GIVE, names, *(str(descriptor) for _, descriptor in named), "--"]


class ServiceManager:
    def __init__(self, directory):
        self.path = directory / "notify.sock"
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(str(self.path))
        self.environment = {"NOTIFY_SOCKET": str(self.path), "PATH": "/usr/bin:/bin"}
        self.messages = queue.Queue()
        self.lock = threading.Lock()
        self.store = []  # (name, descriptor)
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        while True:
            data, descriptors, _, _ = socket.recv_fds(self.sock, 4096, DESCRIPTORS_MAX)
            if not data:
                return
            fields = dict(line.split("=", 1) for line in data.decode().split("\n"))
            with self.lock:
                if fields.get("FDSTORE") == "1":
                    self.keep(fields["FDNAME"], descriptors)
                elif fields.get("FDSTOREREMOVE") == "1":
                    self.drop(lambda name: name == fields["FDNAME"])
            self.messages.put(data.decode())

    def keep(self, name, descriptors):
        assert len(name) <= 255 and all(" " <= byte <= "~" and byte != ":" for byte in name), name
        for descriptor in descriptors:
            if any(os.path.sameopenfile(descriptor, kept) for _, kept in self.store):
                os.close(descriptor)
            else:
                self.store.append((name, descriptor))

    def drop(self, goes):
        for name, descriptor in self.store:
            if goes(name):
                os.close(descriptor)
        self.store = [one for one in self.store if not goes(one[0])]

    def hear(self, start):
        """The first message that begins with `start`; others are passed over."""
        while True:
            text = self.messages.get(timeout=DEADLINE)
            if text.startswith(start):
                return text

    def names(self):
        """Of what is stored, each once, sorted."""
        with self.lock:
            return sorted({name for name, _ in self.store})

    def wait_names(self, *names):
        wait_until(lambda: self.names() == sorted(names), lambda: f"{names} in the store, which has {self.names()}")

    def given(self):
        """What the next process gets. systemd gives what came last first."""
        with self.lock:
            return list(reversed(self.store))

    def close(self):
        """As a service that is stopped: all that was stored is closed."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", str(self.path))
        self.thread.join(DEADLINE)
        self.drop(lambda name: True)
        self.sock.close()
        self.path.unlink()
