# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 by hand: as many gRPC streams as a hostile client wants, and no answer is ever read."""

import socket
import struct

STREAMS = 250  # on one connection


def literal(name, value):
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def frame(kind, flags, stream, payload):
    return struct.pack("!I", len(payload))[1:] + bytes([kind, flags]) + struct.pack("!I", stream) + payload


def open_streams(path, method, count, message=b"", ends=True):
    """Opens `count` streams with one request each at a socket file, and gives their connections."""
    head = b"".join(literal(*pair) for pair in (
        (b":method", b"POST"), (b":scheme", b"http"), (b":path", method), (b":authority", b"x"),
        (b"content-type", b"application/grpc"), (b"te", b"trailers")))
    body = b"\0" + struct.pack("!I", len(message)) + message
    connections = []
    while count > 0:
        connection = socket.socket(socket.AF_UNIX)
        connections.append(connection)
        connection.connect(str(path))
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b""))
        for number in range(1, 2 * min(count, STREAMS), 2):
            connection.sendall(frame(1, 4, number, head) + frame(0, int(ends), number, body))
        count -= STREAMS
    return connections
