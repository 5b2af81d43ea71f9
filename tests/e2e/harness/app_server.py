# SPDX-License-Identifier: Apache-2.0
"""Runs the application under uvicorn in a process of its own, on sockets that the test has bound."""
import argparse
import socket
import subprocess
import sys
from pathlib import Path

from .waiting import DEADLINE
from .wire import WireReader, read_response

E2E = Path(__file__).resolve().parents[1]


class AppServer:
    """A uvicorn process with one listening socket a name. As the sockets listen before the process starts, a client can
    connect at once; the first answer shows that the application is up. `keep_alive` is uvicorn's, in seconds."""

    def __init__(self, names=("app", "web"), pair=None, keep_alive=5):
        self.sockets = {}
        for name in names:
            sock = socket.socket()
            sock.bind(("127.0.0.1", 0))
            sock.listen(512)
            self.sockets[name] = sock
        scheme = "https" if pair else "http"
        self.ports = {name: sock.getsockname()[1] for name, sock in self.sockets.items()}
        self.urls = {name: f"{scheme}://127.0.0.1:{port}" for name, port in self.ports.items()}
        command = [sys.executable, "-m", "harness.app_server", "--keep-alive", str(keep_alive)]
        command += [f"{name}={sock.fileno()}" for name, sock in self.sockets.items()]
        if pair:
            command += ["--cert", str(pair.cert), "--key", str(pair.key)]
        self.process = subprocess.Popen(command, cwd=E2E, stdin=subprocess.DEVNULL,
                                        pass_fds=[sock.fileno() for sock in self.sockets.values()])
        if not pair:
            self.wait_ready()

    def wait_ready(self):
        port = next(iter(self.ports.values()))
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as sock:
            sock.sendall(b"GET /api/v1/status/200 HTTP/1.1\r\nHost: ready\r\nConnection: close\r\n\r\n")
            assert read_response(WireReader(sock, 3 * DEADLINE)).status == 200

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for sock in self.sockets.values():
            sock.close()


def main():
    import uvicorn
    from .app import Named, api

    parser = argparse.ArgumentParser()
    parser.add_argument("sockets", nargs="+", help="NAME=FILE_DESCRIPTOR")
    parser.add_argument("--keep-alive", type=int, required=True)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    arguments = parser.parse_args()
    names, sockets = {}, []
    for text in arguments.sockets:
        name, _, number = text.partition("=")
        sock = socket.socket(fileno=int(number))
        names[sock.getsockname()[1]] = name
        sockets.append(sock)
    config = uvicorn.Config(Named(api, names), log_level="warning", access_log=False, ssl_certfile=arguments.cert,
                            ssl_keyfile=arguments.key, proxy_headers=False,
                            timeout_keep_alive=arguments.keep_alive)
    uvicorn.Server(config).run(sockets=sockets)


if __name__ == "__main__":
    main()
