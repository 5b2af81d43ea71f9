# SPDX-License-Identifier: Apache-2.0
"""A real gRPC server and its client, without generated code: messages are bytes as they are."""
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc

from .client import HOST
from .waiting import DEADLINE

ANY_SIZE = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
DETAILS = "余额不足: 100%"  # a status message that has to be percent-encoded on the wire


class EchoService(grpc.GenericRpcHandler):
    """Methods of every kind below any service name. `ended` holds the paths of calls that ended before they were
    answered, with an event for each that has begun in `begun`."""

    def __init__(self):
        self.begun, self.ended, self.gate = threading.Event(), threading.Event(), threading.Event()
        self.metadata = {}

    def reset(self):
        for event in (self.begun, self.ended, self.gate):
            event.clear()

    def service(self, details):
        kinds = {"Unary": grpc.unary_unary_rpc_method_handler(self.unary),
                 "Fail": grpc.unary_unary_rpc_method_handler(self.fail),
                 "Hang": grpc.unary_unary_rpc_method_handler(self.hang),
                 "Count": grpc.unary_stream_rpc_method_handler(self.count),
                 "Gather": grpc.stream_unary_rpc_method_handler(self.gather),
                 "Chat": grpc.stream_stream_rpc_method_handler(self.chat),
                 "Listen": grpc.unary_stream_rpc_method_handler(self.listen)}
        self.metadata = dict(details.invocation_metadata)
        return kinds.get(details.method.rpartition("/")[2])

    def unary(self, request, context):
        context.set_trailing_metadata((("x-length", str(len(request))), ("x-raw-bin", b"\x00\xff\x01")))
        return request

    def fail(self, request, context):
        context.set_trailing_metadata((("x-why", "balance"),))
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, DETAILS)

    def hang(self, request, context):
        """Waits until the client has given up."""
        context.add_callback(self.ended.set)
        self.begun.set()
        self.ended.wait(3 * DEADLINE)
        return b"too late"

    def count(self, request, context):
        """As many messages as the request says; behind the first it waits for the gate."""
        context.send_initial_metadata((("x-first", "early"),))
        for number in range(int(request)):
            yield b"message %d" % number
            assert number or self.gate.wait(DEADLINE)

    def listen(self, request, context):
        """Messages without end, until the client has given up."""
        context.add_callback(self.ended.set)
        while not self.ended.wait(0.01):
            yield request

    def gather(self, requests, context):
        return b"|".join(requests)

    def chat(self, requests, context):
        for request in requests:
            yield b"re: " + request


class GrpcServer:
    """The service on a free loopback port, plain or with a certificate pair."""

    def __init__(self, pair=None):
        self.service = EchoService()
        self.pool = ThreadPoolExecutor(max_workers=16)
        self.server = grpc.server(self.pool, handlers=[self.service], options=ANY_SIZE)
        if pair:
            credentials = grpc.ssl_server_credentials([(pair.key.read_bytes(), pair.cert.read_bytes())])
            port = self.server.add_secure_port("127.0.0.1:0", credentials)
        else:
            port = self.server.add_insecure_port("127.0.0.1:0")
        self.url = f"{'https' if pair else 'http'}://127.0.0.1:{port}"
        self.server.start()

    def stop(self):
        self.server.stop(None)
        self.pool.shutdown(wait=False)


def open_channel(listener, ca_file, host=HOST):
    """A channel of its own to a listener: TLS with the certificate verified, or with prior knowledge."""
    options = [*ANY_SIZE, ("grpc.use_local_subchannel_pool", 1)]
    if not listener.tls:
        return grpc.insecure_channel(f"127.0.0.1:{listener.port}", [*options, ("grpc.default_authority", host)])
    credentials = grpc.ssl_channel_credentials(ca_file.read_bytes())
    options.append(("grpc.ssl_target_name_override", host))
    return grpc.secure_channel(f"127.0.0.1:{listener.port}", credentials, options)
