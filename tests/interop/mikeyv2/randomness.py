# SPDX-License-Identifier: Apache-2.0
"""Randomness is passed in, so that a seed replays an exchange."""
import hashlib
import os


class Seeded:
    """For tests: SHA-256 over a counter."""

    def __init__(self, seed):
        self.seed = str(seed).encode()
        self.count = 0

    def octets(self, size):
        out = b""
        while len(out) < size:
            self.count += 1
            out += hashlib.sha256(self.seed + self.count.to_bytes(8, "big")).digest()
        return out[:size]

    def number(self, bits):
        return int.from_bytes(self.octets((bits + 7) // 8), "big") % (1 << bits)

    def fraction(self):
        return self.number(32) / (1 << 32)


class System(Seeded):
    def __init__(self):
        super().__init__("")

    def octets(self, size):
        return os.urandom(size)
