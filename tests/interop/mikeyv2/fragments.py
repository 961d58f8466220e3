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
    """Four messages an address, each for 10 s from its first fragment; a fifth takes the place of the one that got nothing new for
    the longest time."""

    MESSAGES = 4

    def __init__(self):
        self.open = {}  # (address, hash, count): (when begun, pieces), in the order in which something new came last

    def add(self, now, address, fragment):
        """The whole message when it is complete, else None."""
        self.open = {k: b for k, b in self.open.items() if now - b[0] < 10}
        key = (address, fragment.hash, fragment.count)
        if key not in self.open:
            self._make_room(address)
        begun, pieces = self.open.get(key, (now, {}))
        if fragment.index in pieces:  # of two of one index the first stays
            return None
        pieces[fragment.index] = fragment.data
        self.open.pop(key, None)
        self.open[key] = (begun, pieces)
        if sum(map(len, pieces.values())) > MESSAGE_MAX:
            del self.open[key]
            raise Refused("length of FRAGMENTs", "§14")
        if len(pieces) < fragment.count:
            return None
        del self.open[key]
        whole = b"".join(pieces[i] for i in range(fragment.count))
        if H(whole)[:16] != fragment.hash:
            raise Refused("hash of FRAGMENTs", "§3.6")
        return whole

    def _make_room(self, address):
        there = [k for k in self.open if k[0] == address]
        if len(there) >= self.MESSAGES:
            del self.open[there[0]]
