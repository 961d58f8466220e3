# SPDX-License-Identifier: Apache-2.0
"""§3.6: FRAGMENTs of a long message."""
from . import message
from .capabilities import retry_capabilities
from .octets import Refused
from .payloads import Cap, Fragment
from .prf import H
from .tables import *

HEAD = 10 + 21  # header, FRAGMENT payload without data


def split(octets, csb_id, limit=DATAGRAM, cookie=None):
    caps = [Cap(retry_capabilities(cookie).encode())] if cookie is not None else []
    room = limit - HEAD - sum(1 + len(c.encode()) for c in caps)
    count = -(-len(octets) // room)
    if not 2 <= count <= 8:
        raise Refused("too long for FRAGMENTs", "§2")
    header = message.Header(DT_FRAGMENT, csb_id)
    pieces = [octets[i * room : (i + 1) * room] for i in range(count)]
    return [bytes(message.encode(header, caps + [Fragment(H(octets)[:16], i, count, piece)])[0])
            for i, piece in enumerate(pieces)]


class Buffers:
    """One buffer an address, for 10 s from its first fragment."""

    def __init__(self):
        self.open = {}

    def add(self, now, address, fragment):
        """The whole message when it is complete, else None."""
        self.open = {a: b for a, b in self.open.items() if now - b[0] < 10}
        key = (fragment.hash, fragment.count)
        begun, last, kept, pieces = self.open.get(address, (now, now, key, {}))
        if kept != key:
            if now - last < 0.5:
                raise Refused("FRAGMENT of another message", "§3.6")
            begun, pieces = now, {}
        pieces.setdefault(fragment.index, fragment.data)  # of two of one index the first stays
        self.open[address] = (begun, now, key, pieces)
        if len(pieces) < fragment.count:
            return None
        del self.open[address]
        whole = b"".join(pieces[i] for i in range(fragment.count))
        if H(whole)[:16] != fragment.hash or len(whole) > MESSAGE_MAX:
            raise Refused("hash of FRAGMENTs", "§3.6")
        return whole
